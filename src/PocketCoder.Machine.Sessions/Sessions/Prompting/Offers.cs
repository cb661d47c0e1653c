using PocketCoder.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>What an agent says it offers, held to a size: its names are untrusted text. Pure.</summary>
internal static class Offers
{
    private const int Most = 200;
    private const int NameLength = 64;
    private const int TextLength = 200;
    private const int EffortsMost = 12;

    /// <summary>Commands with a usable name, each name once. Without a slash, in the agent's order.</summary>
    public static IReadOnlyList<CommandInfo> Commands(AgentReady ready) =>
    [
        .. ready.Commands
            .Select(c => new CommandInfo(c.Name.TrimStart('/'), Line(c.Description, TextLength)))
            .Where(c => IsName(c.Name, NameLength))
            .DistinctBy(c => c.Name, StringComparer.Ordinal)
            .Take(Most),
    ];

    /// <summary>Models with a usable id, each id once, in the agent's order.</summary>
    public static IReadOnlyList<ModelInfo> Models(AgentReady ready) =>
    [
        .. ready.Models
            .Where(m => IsName(m.Id, Limits.NameLength))
            .DistinctBy(m => m.Id, StringComparer.Ordinal)
            .Take(Most)
            .Select(m => new ModelInfo(m.Id, Line(m.Name, TextLength) is { Length: > 0 } name ? name : m.Id,
                m.Efforts is null ? null : [.. m.Efforts.Where(e => IsName(e, NameLength)).Take(EffortsMost)])),
    ];

    /// <summary>Those with a usable name, in the agent's order; null: it does not tell.</summary>
    public static IReadOnlyList<string>? Efforts(AgentReady ready)
        => ready.Efforts is { } efforts ? [.. efforts.Where(e => IsName(e, NameLength)).Distinct(StringComparer.Ordinal).Take(EffortsMost)]
            : null;

    private static bool IsName(string text, int most) => text.Length > 0 && text.Length <= most
        && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c));

    private static string Line(string text, int most)
    {
        var line = ShortText.OneLine(text.Trim());
        return line.Length <= most ? line : string.Concat(line.AsSpan(0, char.IsHighSurrogate(line[most - 2]) ? most - 2 : most - 1), "…");
    }
}
