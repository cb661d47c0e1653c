using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace PocketCoder.Bench.Agents;

/// <summary>
/// Speaks just enough of Claude Code's stream-json for the real driver, and writes the clock into what it says: Linux gives all
/// processes the same monotonic clock, so the other end can tell how long a token was under way.
/// Prompts: <c>tokens N [MS]</c> (N deltas, one a millisecond or every MS milliseconds), <c>blocks N</c> (N finished blocks), <c>decide</c>
/// (asks, and answers with when it was told).
/// </summary>
internal static class FakeClaude
{
    private const string Session = "11111111-1111-4111-8111-111111111111";
    private static readonly StreamWriter s_out = new(Console.OpenStandardOutput()) { AutoFlush = true, NewLine = "\n" };
    private static int s_message;

    public static async Task<int> RunAsync()
    {
        using var input = new StreamReader(Console.OpenStandardInput());
        while (await input.ReadLineAsync() is { } line)
        {
            var now = Stopwatch.GetTimestamp();
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            switch (root.GetProperty("type").GetString())
            {
                case "control_request":
                    var id = root.GetProperty("request_id").GetString();
                    Say($$"""{"type":"control_response","response":{"subtype":"success","request_id":"{{id}}","response":{"commands":[],"models":[]} } }""");
                    break;
                case "control_response" when root.GetProperty("response").GetProperty("request_id").GetString() == "ask":
                    Say($$"""{"type":"user","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"tool-{{s_message}}","content":"{{now}}"}]},"parent_tool_use_id":null,"session_id":"{{Session}}"}""");
                    Finish();
                    break;
                case "user":
                    await TurnAsync(root.GetProperty("message").GetProperty("content")[0].GetProperty("text").GetString()!.Split(' '));
                    break;
            }
        }

        return 0;
    }

    private static async Task TurnAsync(string[] words)
    {
        s_message++;
        Say($$"""{"type":"system","subtype":"init","session_id":"{{Session}}","tools":["Bash"],"model":"bench","permissionMode":"default","slash_commands":[],"mcp_servers":[]}""");
        var count = words.Length > 1 ? int.Parse(words[1], CultureInfo.InvariantCulture) : 0;
        switch (words[0])
        {
            case "tokens":
                Start(0);
                using (var pace = new PeriodicTimer(
                    TimeSpan.FromMilliseconds(words.Length > 2 ? double.Parse(words[2], CultureInfo.InvariantCulture) : 1)))
                {
                    for (var i = 0; i < count && await pace.WaitForNextTickAsync(); i++)
                    {
                        Event($$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{{Stopwatch.GetTimestamp()}};"} }""");
                    }
                }

                Block("done");
                break;
            case "blocks":
                for (var i = 0; i < count; i++)
                {
                    s_message++;
                    Start(0);
                    Block($"Block {i}: some six hundred bytes of text, as an answer with a few sentences has them. {new string('x', 480)}");
                }

                break;
            case "decide":
                var input = """{"command":"true","description":"bench"}""";
                Say($$$"""{"type":"assistant","message":{"id":"m{{{s_message}}}","type":"message","role":"assistant","model":"bench","content":[{"type":"tool_use","id":"tool-{{{s_message}}}","name":"Bash","input":{{{input}}}}]},"parent_tool_use_id":null,"session_id":"{{{Session}}}"}""");
                Say($$$"""{"type":"control_request","request_id":"hook-{{{s_message}}}","request":{"subtype":"hook_callback","callback_id":"before-tool","input":{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{{{input}}},"tool_use_id":"tool-{{{s_message}}}","permission_mode":"default"},"tool_use_id":"tool-{{{s_message}}}"}}""");
                Say($$$"""{"type":"control_request","request_id":"ask","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{{{input}}},"tool_use_id":"tool-{{{s_message}}}"}}""");
                return;
        }

        Finish();
    }

    private static void Start(int index)
    {
        Event($$"""{"type":"message_start","message":{"id":"m{{s_message}}","type":"message","role":"assistant","model":"bench","content":[],"usage":{"input_tokens":1,"output_tokens":1} } }""");
        Event($$"""{"type":"content_block_start","index":{{index}},"content_block":{"type":"text","text":""} }""");
    }

    private static void Block(string text)
        => Say($$$"""{"type":"assistant","message":{"id":"m{{{s_message}}}","type":"message","role":"assistant","model":"bench","content":[{"type":"text","text":"{{{text}}}"}]},"parent_tool_use_id":null,"session_id":"{{{Session}}}"}""");

    private static void Finish()
        => Say($$"""{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"","session_id":"{{Session}}","total_cost_usd":0,"usage":{"input_tokens":1,"output_tokens":1,"cache_read_input_tokens":0,"cache_creation_input_tokens":0},"terminal_reason":"completed"}""");

    private static void Event(string streamEvent)
        => Say($$"""{"type":"stream_event","event":{{streamEvent}},"session_id":"{{Session}}","parent_tool_use_id":null}""");

    private static void Say(string line) => s_out.WriteLine(line);
}
