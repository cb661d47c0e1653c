using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace PocketCoder.Bench.Agents;

/// <summary>
/// Speaks just enough JSON-RPC for a real driver, as Codex's <c>app-server</c> or as an ACP agent, and writes the clock into what it says
/// (see <see cref="FakeClaude"/>). Its one prompt: <c>tokens N</c>.
/// </summary>
internal static class FakeRpcAgent
{
    public const string Codex = "fake-codex";
    public const string Acp = "fake-acp";

    private static readonly StreamWriter s_out = new(Console.OpenStandardOutput()) { AutoFlush = true, NewLine = "\n" };

    public static async Task<int> RunAsync(string kind)
    {
        using var input = new StreamReader(Console.OpenStandardInput());
        while (await input.ReadLineAsync() is { } line)
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.TryGetProperty("id", out var id) && root.TryGetProperty("method", out var method))
            {
                await AnswerAsync(kind, id.GetRawText(), method.GetString()!, root.GetProperty("params"));
            }
        }

        return 0;
    }

    private static async Task AnswerAsync(string kind, string id, string method, JsonElement parameters)
    {
        switch (kind, method)
        {
            case (Codex, "initialize"):
                Result(id, """{"userAgent":"pocketcoder/0.169.0 (bench)"}""");
                break;
            case (Codex, "config/read"):
                Result(id, """{"config":{}}""");
                break;
            case (Codex, "thread/start" or "thread/resume"):
                Result(id, """{"thread":{"id":"T"},"model":"bench","approvalPolicy":"untrusted","approvalsReviewer":"user","sandbox":{"type":"readOnly"}}""");
                break;
            case (Codex, "turn/start"):
                Result(id, """{"turn":{"id":"U"}}""");
                Tell("turn/started", """{"threadId":"T","turn":{"id":"U"}}""");
                await TokensAsync(parameters.GetProperty("input"),
                    stamp => Tell("item/agentMessage/delta", $$"""{"threadId":"T","turnId":"U","itemId":"m","delta":"{{stamp}};"}"""));
                Tell("item/completed", """{"threadId":"T","turnId":"U","item":{"type":"agentMessage","id":"m","text":"done"}}""");
                Tell("turn/completed", """{"threadId":"T","turn":{"id":"U","status":"completed"}}""");
                break;
            case (Acp, "initialize"):
                Result(id, """{"protocolVersion":1,"agentCapabilities":{}}""");
                break;
            case (Acp, "session/new"):
                Result(id, """{"sessionId":"S"}""");
                break;
            case (Acp, "session/set_mode"):
                Result(id, "{}");
                break;
            case (Acp, "session/prompt"):
                await TokensAsync(parameters.GetProperty("prompt"), stamp => Tell("session/update",
                    $$"""{"sessionId":"S","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"{{stamp}};"} } }"""));
                Result(id, """{"stopReason":"end_turn"}""");
                break;
            default:
                s_out.WriteLine($$$"""{"jsonrpc":"2.0","id":{{{id}}},"error":{"code":-32601,"message":"not in this imitation"}}""");
                break;
        }
    }

    private static async Task TokensAsync(JsonElement pieces, Action<long> say)
    {
        var words = pieces.EnumerateArray().Last().GetProperty("text").GetString()!.Split(' ');
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        for (var i = 0; i < int.Parse(words[^1], CultureInfo.InvariantCulture) && await pace.WaitForNextTickAsync(); i++)
        {
            say(Stopwatch.GetTimestamp());
        }
    }

    private static void Result(string id, string result) => s_out.WriteLine($$"""{"jsonrpc":"2.0","id":{{id}},"result":{{result}}}""");

    private static void Tell(string method, string parameters)
        => s_out.WriteLine($$"""{"jsonrpc":"2.0","method":"{{method}}","params":{{parameters}}}""");
}
