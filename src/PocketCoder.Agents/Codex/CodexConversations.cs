using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// Which conversations Codex keeps, and what was said in them: asked of a short-lived <c>codex app-server</c>, since its files are its own
/// matter.
/// </summary>
internal sealed class CodexConversations(string program, IReadOnlyDictionary<string, string> environment, TimeProvider time)
{
    /// <summary>All that a person can begin; sub-agents have others.</summary>
    private static readonly string[] s_sources = ["cli", "exec", "vscode", "appServer"];

    /// <inheritdoc cref="IAgentDriver.ListConversationsAsync"/>
    public Task<IReadOnlyList<AgentConversation>> ListAsync(string directory, int most, CancellationToken cancellationToken)
        => AskAsync(directory, "thread/list", w => List(w, directory, most), Listed, cancellationToken);

    /// <inheritdoc cref="IAgentDriver.ReadConversationAsync"/>
    public Task<IReadOnlyList<AgentConversationPart>> ReadAsync(string conversation, string directory, CancellationToken cancellationToken)
        => AskAsync(
        directory,
        "thread/read",
        w =>
        {
            w.WriteString("threadId", conversation);
            w.WriteBoolean("includeTurns", true);
        },
        Said,
        cancellationToken);

    /// <summary>Of the answer to <c>thread/list</c>. Untrusted.</summary>
    internal static IReadOnlyList<AgentConversation> Listed(JsonElement answer)
    {
        var found = new List<AgentConversation>();
        foreach (var thread in answer.Items("data"))
        {
            var title = BoundedText.OneLine(thread.Text("name") is { Length: > 0 } named ? named : thread.Text("preview") ?? "");
            if (thread.Text("id") is { } id && CodexDriver.IsThreadId(id) && thread.Text("cwd") is { } works && title.Length > 0
                && thread.Number("updatedAt") is > 0 and < 253402300800 and var updated)
            {
                found.Add(new AgentConversation(id, title, works, DateTimeOffset.FromUnixTimeSeconds(updated), null));
            }
        }

        return found;
    }

    /// <summary>Of the answer to <c>thread/read</c>. Untrusted.</summary>
    internal static IReadOnlyList<AgentConversationPart> Said(JsonElement answer)
    {
        var said = new ConversationTail();
        foreach (var turn in (answer.Object("thread") ?? default).Items("turns"))
        {
            var at = turn.Number("startedAt") is > 0 and < 253402300800 and var started ? DateTimeOffset.FromUnixTimeSeconds(started)
                : (DateTimeOffset?)null;
            foreach (var item in turn.Items("items"))
            {
                switch (item.Text("type"))
                {
                    case "userMessage":
                        foreach (var text in item.Items("content").Select(c => c.Text("type") == "text" ? c.Text("text") : null)
                            .OfType<string>())
                        {
                            said.Add(AgentConversationSpeaker.Person, text, at);
                        }

                        break;
                    case "agentMessage" or "plan":
                        said.Add(AgentConversationSpeaker.Agent, item.Text("text") ?? "", at);
                        break;
                    case "commandExecution":
                        said.Add(AgentConversationSpeaker.Tool, item.Text("command") ?? "command", at);
                        break;
                    case "fileChange":
                        said.Add(AgentConversationSpeaker.Tool,
                            $"edit: {string.Join(", ", item.Items("changes").Select(c => c.Text("path")).OfType<string>())}", at);
                        break;
                    case "mcpToolCall" or "dynamicToolCall":
                        said.Add(AgentConversationSpeaker.Tool, item.Text("tool") ?? "tool", at);
                        break;
                    case "webSearch":
                        said.Add(AgentConversationSpeaker.Tool, $"search: {item.Text("query")}", at);
                        break;
                    default:
                        break; // thoughts, and what later versions know
                }
            }
        }

        return said.Parts;
    }

    private static void List(Utf8JsonWriter w, string directory, int most)
    {
        w.WriteNumber("limit", most);
        w.WriteString("cwd", directory);
        w.WriteString("sortKey", "updated_at");
        w.WriteStartArray("modelProviders"); // empty: of all of them
        w.WriteEndArray();
        w.WriteStartArray("sourceKinds");
        foreach (var source in s_sources)
        {
            w.WriteStringValue(source);
        }

        w.WriteEndArray();
    }

    private Task<T> AskAsync<T>(
        string directory, string method, Action<Utf8JsonWriter> parameters, Func<JsonElement, T> read, CancellationToken cancellationToken)
    {
        var start = new ProcessStart
        { Program = program, Arguments = CodexArguments.For(directory), WorkingDirectory = directory, Environment = environment };
        return OneQuestion.AskAsync(
            start,
            "Codex",
            time,
            async (connection, ct) =>
            {
                await connection.RequestAsync("initialize", CodexMessages.Initialize, OneQuestion.Limit, ct);
                await connection.NotifyAsync("initialized", null, ct);
                var reply = await connection.RequestAsync(method, parameters, OneQuestion.Limit, ct);
                return reply.Error is { } error
                    ? throw new AgentException(AgentError.Refused, $"Codex did not tell: {connection.Redact(error)}") : read(reply.Result);
            },
            cancellationToken);
    }
}
