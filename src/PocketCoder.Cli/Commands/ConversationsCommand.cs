using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder conversations</c>: what was begun in a terminal, to go on with.</summary>
internal static class ConversationsCommand
{
    private const int ShortestPrefix = 4;

    public static Command Create(Terminal terminal)
    {
        var project = new Option<string?>("--project")
        { Description = "Project id, name or folder (default: the current folder's project)", HelpName = "PROJECT" };
        var agent = new Option<string?>("--agent") { Description = "Only conversations of this agent", HelpName = "AGENT" };
        return new Command("conversations", "List conversations started in a terminal for a project")
            { project, agent }.Does(terminal, async (context, parsed, ct) =>
        {
            var which = await RunCommand.ProjectAsync(context, parsed.GetValue(project), ct);
            var kept = await context.Daemon.ListConversationsAsync(new ConversationsRequest(which, parsed.GetValue(agent)), ct);
            if (context.Json)
            {
                CliJson.Write(terminal, kept, CliJson.Default.AgentConversationsResponse);
                return ExitCode.Ok;
            }

            foreach (var missing in kept.Missing)
            {
                await terminal.Error.WriteLineAsync($"{Untrusted.Show(missing.Agent)}: {Untrusted.Show(missing.Why)}");
            }

            if (kept.Conversations.Count == 0)
            {
                context.Say(parsed.GetValue(agent) is { } only
                    ? $"{Untrusted.Show(only)} has no terminal conversations for this project."
                    : "No agent has terminal conversations for this project.");
                return ExitCode.Ok;
            }

            var table = PlainTable.Of("Title", "Agent", "Updated", "Where", "Id");
            foreach (var one in kept.Conversations)
            {
                table.Row(one.Title, one.Agent, $"{one.UpdatedAt.ToLocalTime():yyyy-MM-dd HH:mm}", one.AgentSessionId is { } session
                    ? $"session {session}" : one.Open == true ? "open in a terminal" : "", one.ConversationId);
            }

            terminal.Tables().Write(table);
            return ExitCode.Ok;
        });
    }

    /// <exception cref="CommandFailure">There is none, there are several, or a session has it.</exception>
    public static async Task<ConversationInfo> FindAsync(
        CommandContext context, string project, string? agent, string text, CancellationToken ct)
    {
        var kept = (await context.Daemon.ListConversationsAsync(new ConversationsRequest(project, agent), ct)).Conversations;
        var found = kept.Where(c => c.ConversationId == text).ToList();
        if (found.Count == 0 && text.Length >= ShortestPrefix)
        {
            found = [.. kept.Where(c => c.ConversationId.StartsWith(text, StringComparison.OrdinalIgnoreCase))];
        }

        return found switch
        {
            [{ AgentSessionId: { } session }] => throw new CommandFailure(
                $"This conversation already belongs to a session. Continue there: pocketcoder run --session {session} \"…\""),
            [var one] => one,
            [] => throw new CommandFailure("No such conversation. See: pocketcoder conversations", code: OwnCodes.NotFound),
            _ => throw new CommandFailure(
                $"Ambiguous: {string.Join(" or ", found.Take(5).Select(c => Untrusted.Show(c.ConversationId)))}. Give the full id."),
        };
    }
}
