using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// Which conversations an ACP agent keeps: <c>session/list</c> of a process that is started for this question. One that does not declare it
/// has none to tell.
/// </summary>
internal static class AcpConversations
{
    private const int LongestId = 200;

    /// <inheritdoc cref="IAgentDriver.ListConversationsAsync"/>
    public static Task<IReadOnlyList<AgentConversation>> ListAsync(
        AcpAgent agent, string program, IReadOnlyDictionary<string, string> environment, TimeProvider time, string directory, int most,
        CancellationToken cancellationToken)
    {
        var start = new ProcessStart
        { Program = program, Arguments = agent.Arguments, WorkingDirectory = directory, Environment = environment };
        return OneQuestion.AskAsync<IReadOnlyList<AgentConversation>>(
            start,
            agent.Name,
            time,
            async (connection, ct) =>
            {
                var hello = await connection.RequestAsync("initialize", w => AcpMessages.Initialize(w, agent), OneQuestion.Limit, ct);
                if (!Lists(hello.Result))
                {
                    return [];
                }

                var reply = await connection.RequestAsync("session/list", w => w.WriteString("cwd", directory), OneQuestion.Limit, ct);
                return reply.Error is { } error ? throw new AgentException(
                    AgentError.Refused, $"{agent.Name} did not tell: {connection.Redact(error)}") : Listed(reply.Result, directory, most);
            },
            cancellationToken);
    }

    internal static bool Lists(JsonElement hello)
        => (hello.Object("agentCapabilities") ?? default).Object("sessionCapabilities")?.Object("list") is not null;

    /// <summary>Of the answer to <c>session/list</c>. Untrusted: an agent may pass over what it was asked for.</summary>
    internal static IReadOnlyList<AgentConversation> Listed(JsonElement answer, string directory, int most)
    {
        var found = new List<AgentConversation>();
        foreach (var session in answer.Items("sessions"))
        {
            if (session.Text("sessionId") is { Length: > 0 and <= LongestId } id && !id.Any(char.IsControl)
                && session.Text("cwd") is { } works && ConfinedPath.IsInside(directory, works)
                && DateTimeOffset.TryParse(
                    session.Text("updatedAt"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var updated))
            {
                var title = BoundedText.OneLine(session.Text("title") ?? "");
                found.Add(new AgentConversation(id, title.Length > 0 ? title : id, works, updated, null));
            }
        }

        return [.. found.OrderByDescending(c => c.UpdatedAt).Take(most)];
    }
}
