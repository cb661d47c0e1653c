using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// What OpenCode keeps of a person's conversations: asked of the program, never of its files. Always from <c>/</c>: it opens the folder it
/// runs in, and with it what its plugins say.
/// </summary>
internal sealed class OpenCodeConversations(string program, IReadOnlyDictionary<string, string> environment, TimeProvider time)
{
    private const int MaxListBytes = 1024 * 1024;

    /// <summary>
    /// Titles longer than this are cut: what <c>db</c> says is cut off at 128 KiB when nobody reads fast enough (seen with 1.18.33).
    /// </summary>
    private const int LongestTitle = 200;

    private static readonly TimeSpan s_listLimit = TimeSpan.FromSeconds(18);
    private static readonly TimeSpan s_bringLimit = TimeSpan.FromSeconds(60);

    /// <inheritdoc cref="IAgentDriver.ListConversationsAsync"/>
    public async Task<IReadOnlyList<AgentConversation>> ListAsync(string directory, int most, CancellationToken cancellationToken)
    {
        // The database is asked, not `session list`: that opens the project.
        var root = directory.TrimEnd('/');
        if (root.Contains('\0', StringComparison.Ordinal) || most < 1)
        {
            return [];
        }

        var query = string.Create(CultureInfo.InvariantCulture, $"""
            select id, substr(title, 1, {LongestTitle}) title, directory, time_updated from session
            where parent_id is null and time_archived is null and (directory = {Quoted(root)} or substr(directory, 1, length({Quoted(root)}) + 1) = {Quoted(root + "/")})
            order by time_updated desc limit {most}
            """);
        try
        {
            var result = await CommandRun.RunAsync(
                Run(["db", query, "--format", "json"], environment), s_listLimit, MaxListBytes, time, cancellationToken);
            return result.TimedOut ? throw new AgentException(
                AgentError.TimedOut, $"OpenCode did not tell its conversations within {s_listLimit.TotalSeconds:0} s.")
                : result.ExitCode == 0 ? Listed(result.Output) : [];
        }
        catch (ProcessStartException)
        {
            return [];
        }
    }

    /// <inheritdoc cref="IAgentDriver.ReadConversationAsync"/>
    /// <exception cref="AgentException">It can't be asked.</exception>
    public async Task<IReadOnlyList<AgentConversationPart>> ReadAsync(string conversation, CancellationToken cancellationToken)
        => Said((await AskAsync(conversation, cancellationToken)).Messages);

    /// <summary>
    /// Copies a conversation into a sandbox in which none has begun; OpenCode reads there what it would read of an exported file.
    /// </summary>
    /// <exception cref="AgentException">It can't be had.</exception>
    /// <param name="directory">Where it works: an import is of the folder that it runs in, and that must not be the project, whose code it
    /// would run.</param>
    public async Task BringAsync(string conversation, string directory, OpenCodeSandbox sandbox, CancellationToken cancellationToken)
    {
        var (info, messages) = await AskAsync(conversation, cancellationToken);
        sandbox.Prepare();
        var file = sandbox.Incoming(LineJson.Write(w =>
        {
            w.WritePropertyName("info");
            info.WriteTo(w);
            w.WritePropertyName("messages");
            messages.WriteTo(w);
        }));
        try
        {
            var own = OpenCodeEnvironment.ForSandbox(sandbox, environment);
            own["PATH"] = environment.GetValueOrDefault("PATH") ?? "/usr/bin:/bin";
            own["HOME"] = sandbox.Sandbox.StateDirectory;
            var move = $"update session set directory = {Quoted(directory)} where id = {Quoted(conversation)}";
            foreach (var arguments in (string[][])[["import", file], ["db", move, "--format", "json"]])
            {
                var result = await CommandRun.RunAsync(Run(arguments, own), s_bringLimit, MaxListBytes, time, cancellationToken);
                if (result.ExitCode != 0 || result.TimedOut)
                {
                    throw new AgentException(AgentError.FailedToStart,
                        $"The conversation could not be copied into the sandbox: {BoundedText.OneLine(result.Output)}");
                }
            }
        }
        catch (ProcessStartException e)
        {
            throw new AgentException(AgentError.FailedToStart, e.Message, e);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>Of the answer of <c>db</c>. Untrusted.</summary>
    internal static IReadOnlyList<AgentConversation> Listed(string output)
    {
        // Before the list it may say something of its own (that it brings an old database up to date).
        var from = output.IndexOf('[', StringComparison.Ordinal);
        using var document = from < 0 ? null : LineJson.TryParse(Encoding.UTF8.GetBytes(output[from..]));
        return document?.RootElement is not { ValueKind: JsonValueKind.Array } rows
            ? []
            :
            [
                .. rows.EnumerateArray().Where(r => r.Text("id") is { } id && OpenCodeIds.Session().IsMatch(id)
                    && r.Text("directory") is not null).Select(r => new AgentConversation(
                    r.Text("id")!, BoundedText.OneLine(r.Text("title") ?? ""), r.Text("directory")!,
                    DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(r.Number("time_updated"), 0, 253_402_300_799_999)), Open: null)),
            ];
    }

    /// <summary>Of the answer to <c>GET /session/…/message</c>. Untrusted.</summary>
    internal static IReadOnlyList<AgentConversationPart> Said(JsonElement messages)
    {
        var said = new ConversationTail();
        foreach (var message in messages.ValueKind == JsonValueKind.Array ? messages.EnumerateArray() : default)
        {
            var info = message.Object("info") ?? default;
            var at = info.Object("time")?.Number("created") is > 0 and < 253_402_300_800_000 and var created
                ? DateTimeOffset.FromUnixTimeMilliseconds(created) : (DateTimeOffset?)null;
            foreach (var part in message.Items("parts"))
            {
                switch (part.Text("type"))
                {
                    case "text" when !part.IsTrue("synthetic") && !part.IsTrue("ignored"):
                        said.Add(info.Text("role") == "user" ? AgentConversationSpeaker.Person : AgentConversationSpeaker.Agent,
                            part.Text("text") ?? "", at);
                        break;
                    case "tool" when part.Text("tool") is { } tool:
                        said.Add(AgentConversationSpeaker.Tool, OpenCodeTool.Title(tool, part.Object("state")?.Object("input")
                            ?? default) is var about && about != tool ? $"{tool}: {about}" : tool, at);
                        break;
                    default:
                        break;
                }
            }
        }

        return said.Parts;
    }

    /// <summary>By a server that lives only as long: what the program prints is cut off when it is long.</summary>
    private async Task<(JsonElement Info, JsonElement Messages)> AskAsync(string conversation, CancellationToken cancellationToken)
    {
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var settings = Encoding.UTF8.GetString(LineJson.Write(w =>
        {
            w.WriteString("permission", "deny");
            w.WriteBoolean("autoupdate", false);
            w.WriteString("share", "disabled");
        }));
        var serve = Run(["serve", "--hostname", "127.0.0.1", "--port", "0"], OpenCodeEnvironment.For(environment, settings, password));
        await using var server = await OpenCodeServer.StartAsync(serve, sandbox: null, password, time, cancellationToken);
        var info = await server.SendAsync(OpenCodeCall.Get($"/session/{conversation}"), cancellationToken);
        var messages = await server.SendAsync(OpenCodeCall.Get($"/session/{conversation}/message"), cancellationToken);
        return info.IsOk && messages.IsOk && info.Body.Text("id") == conversation && messages.Body.ValueKind == JsonValueKind.Array
            ? (info.Body, messages.Body)
            : throw new AgentException(AgentError.NotFound, "OpenCode has no such conversation.");
    }

    /// <summary>As SQLite reads a text.</summary>
    private static string Quoted(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private ProcessStart Run(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
        => new() { Program = program, Arguments = arguments, WorkingDirectory = "/", Environment = environment };
}
