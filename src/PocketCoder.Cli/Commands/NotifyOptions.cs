using System.Text.Json;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary>What a receiver of notifications is told, and when, as people write it. Pure.</summary>
internal static class NotifyOptions
{
    /// <summary>The words of <c>--kinds</c>.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [.. Enum.GetValues<PushKind>().Select(Word)];

    /// <summary>Why the options can't be right; null: they can. The daemon looks at times and zones.</summary>
    public static string? Problem(string? kinds, string? quiet, string? zone)
        => kinds is not null && KindsOf(kinds) is null ? $"--kinds takes some of these, with commas: {string.Join(' ', Kinds)}"
            : quiet is not null && QuietOf(quiet, null) is null ? "--quiet takes two times, like 22:00-07:00"
            : zone is not null && quiet is null ? "--zone belongs to --quiet"
            : null;

    /// <returns>Null: there are none, or one is not known.</returns>
    public static IReadOnlyList<PushKind>? KindsOf(string? text)
    {
        var words = text?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length == 0 || words.Except(Kinds, StringComparer.Ordinal).Any() ? null
            : [.. Enum.GetValues<PushKind>().Where(k => words.Contains(Word(k), StringComparer.Ordinal))];
    }

    /// <returns>Null: there are none, or it is not two times.</returns>
    public static QuietHours? QuietOf(string? text, string? zone)
        => text?.Split('-') is [{ Length: 5 } from, { Length: 5 } to] ? new QuietHours(from, to, zone ?? TimeZoneInfo.Local.Id) : null;

    /// <summary>What is not usual about a receiver.</summary>
    public static IEnumerable<string> Words(NotifyReceiver one)
    {
        string?[] words =
        [
            one.Details ? "details" : null,
            one.Digest ? "digest" : null,
            one.Kinds.Count < Kinds.Count ? $"only {string.Join(' ', one.Kinds.Select(Word))}" : null,
            one.Quiet is { } quiet ? $"quiet {quiet.From}-{quiet.To} {quiet.TimeZone}" : null,
            one.AfterSeconds == 60 ? null : $"after {one.AfterSeconds} s",
        ];
        return words.Where(w => w is not null)!;
    }

    private static string Word(PushKind kind) => JsonSerializer.Serialize(kind, ProtocolJson.Default.PushKind).Trim('"');
}
