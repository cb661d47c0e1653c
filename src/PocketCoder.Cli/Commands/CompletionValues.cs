using System.CommandLine;
using System.CommandLine.Completions;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Machine.ControlPlane;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder completion values KIND</c>: what a shell's completion offers where only the daemon knows.</summary>
internal static class CompletionValues
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>Of options by the word that stands for their value in the help, of arguments by their name.</summary>
    private static readonly Dictionary<string, string> s_kinds = new(StringComparer.OrdinalIgnoreCase)
    { ["PROJECT"] = "projects", ["SESSION"] = "sessions", ["AGENT"] = "agents" };

    public static Command Create(Terminal terminal)
    {
        var kind = new Argument<string>("kind") { Description = "projects, sessions or agents" }.Among("projects", "sessions", "agents");
        return new Command("values", "List values to complete; nothing when the daemon is not running")
            { kind }.Does(terminal, async (context, parsed, ct) =>
        {
            var values = await ListAsync(context, parsed.GetRequiredValue(kind), ct);
            if (context.Json)
            {
                CliJson.Write(terminal, values, CliJson.Default.IReadOnlyListString);
                return ExitCode.Ok;
            }

            foreach (var value in values)
            {
                context.Say(value);
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>What the daemon is asked for; null: nothing.</summary>
    public static string? KindOf(string? name) => name is null ? null : s_kinds.GetValueOrDefault(name);

    /// <summary>The words that an option or argument takes, when they are few and fixed.</summary>
    public static IReadOnlyList<string> WordsOf(Symbol symbol)
        => symbol is Option { ValueType: var type }
            && type == typeof(bool) ? [] : [.. symbol.GetCompletions(CompletionContext.Empty).Select(c => c.Label).Where(IsPlain)];

    private static async Task<IReadOnlyList<string>> ListAsync(CommandContext context, string kind, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_limit);
        try
        {
            return kind switch
            {
                "projects" => [.. (await context.Daemon.ListProjectsAsync(limit.Token)).Select(
                    p => IsPlain(p.Name) ? p.Name : p.ProjectId.ToString()).Distinct(StringComparer.Ordinal)],
                "sessions" => [.. (await context.Daemon.ListSessionsAsync(limit.Token)).Select(s => s.AgentSessionId.ToString())],
                _ => [.. (await context.Daemon.StatusAsync(limit.Token)).Agents.Select(a => a.Id).Where(IsPlain)],
            };
        }
        catch (Exception e) when (e is DaemonNotRunning or ControlException
            || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return []; // a shell that completes has nowhere to tell it
        }
    }

    /// <summary>
    /// Names come from folders and configurations: only what no shell could take for anything else than a word is given to one.
    /// </summary>
    private static bool IsPlain(string name)
        => name.Length is > 0 and <= 100 && name[0] != '-' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
