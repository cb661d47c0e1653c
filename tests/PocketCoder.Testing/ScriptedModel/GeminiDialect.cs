using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace PocketCoder.Testing.ScriptedModel;

/// <summary>
/// Google's Gemini API (<c>v1beta</c>), streaming and plain, as far as Gemini CLI uses it. Source: the public API reference and recorded
/// traffic.
/// </summary>
internal static class GeminiDialect
{
    public static void Map(WebApplication app, ScriptedModelServer server)
        => app.MapPost("/v1beta/models/{call}", (HttpContext context, string call) => AnswerAsync(context, call, server));

    private static async Task AnswerAsync(HttpContext context, string call, ScriptedModelServer server)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        if (call.EndsWith(":countTokens", StringComparison.Ordinal))
        {
            await context.Response.WriteAsJsonAsync(new JsonObject { ["totalTokens"] = 100 });
            return;
        }

        var (prompt, calls, results) = Conversation(body["contents"]!.AsArray());
        var tools = (body["tools"]?.AsArray() ?? []).SelectMany(t => t!["functionDeclarations"]?.AsArray() ?? [])
            .Select(t => t!["name"]!.GetValue<string>()).ToList();
        var isSide = tools.Count == 0; // its own questions to a model: which model is best, what the title may be
        var stream = call.EndsWith(":streamGenerateContent", StringComparison.Ordinal);
        server.Record(new ModelRequest(
            isSide ? "gemini-side" : "gemini", context.Request.Path, stream, tools, AllText(body["systemInstruction"]?["parts"]), prompt,
            results, context.Request.Headers["x-goog-api-key"].FirstOrDefault())
        { Body = body.ToJsonString() });
        IReadOnlyList<ScriptStep> steps = isSide ? [new ScriptStep.Say(["{}"])]
            : server.Round(prompt, calls, results.Count == 0 ? null : results[^1]);
        if (steps.OfType<ScriptStep.Fail>().FirstOrDefault(f => server.FailsNow(prompt, f)) is { } fail)
        {
            context.Response.StatusCode = fail.Status;
            await context.Response.WriteAsJsonAsync(new JsonObject
            {
                ["error"] = new JsonObject
                { ["code"] = fail.Status, ["message"] = $"scripted {fail.Status}", ["status"] = "UNAVAILABLE" }
            });
            return;
        }

        if (!stream)
        {
            await context.Response.WriteAsJsonAsync(Chunk(new JsonArray([.. steps.SelectMany(s => Parts(s, tools))]), last: true));
            return;
        }

        await StreamAsync(context, steps, server, prompt, tools);
    }

    private static async Task StreamAsync(
        HttpContext context, IReadOnlyList<ScriptStep> steps, ScriptedModelServer server, string prompt, List<string> tools)
    {
        context.Response.ContentType = "text/event-stream";
        var pace = 0;
        foreach (var step in steps)
        {
            switch (step)
            {
                case ScriptStep.Slow slow:
                    pace = slow.Milliseconds;
                    break;
                case ScriptStep.Break broken when broken.Always || server.FailsNow(prompt, new ScriptStep.Fail(0, 1)):
                    await WriteAsync(Chunk([Part("about to break")], last: false).ToJsonString());
                    await server.BreakAsync(context, broken.Kind, () => WriteAsync("{\"candidates\": "));
                    return;
                case ScriptStep.Break:
                    await WriteAsync(Chunk([Part("whole after all")], last: false).ToJsonString());
                    break;
                default:
                    foreach (var part in Parts(step, tools))
                    {
                        await Wait.PauseAsync(pace, context.RequestAborted);

                        await WriteAsync(Chunk([part], last: false).ToJsonString());
                    }

                    break;
            }
        }

        await WriteAsync(Chunk([Part("")], last: true).ToJsonString());

        async Task WriteAsync(string json)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"data: {json}\r\n\r\n"), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static (string Prompt, int Calls, IReadOnlyList<string> Results) Conversation(JsonArray contents)
    {
        var prompt = "";
        var calls = 0;
        var results = new List<string>();
        foreach (var content in contents)
        {
            var parts = content!["parts"]!.AsArray();
            if (content["role"]?.GetValue<string>() == "model")
            {
                calls += parts.Any(p => p!["functionCall"] is not null) ? 1 : 0;
                continue;
            }

            foreach (var part in parts)
            {
                if (part!["functionResponse"] is { } response)
                {
                    results.Add(response["response"]!.ToJsonString());
                }
                else if (part["text"]?.GetValue<string>() is { Length: > 0 } text && !text.StartsWith('<')
                    && !text.StartsWith("This is the Gemini CLI", StringComparison.Ordinal))
                {
                    (prompt, calls) = (text, 0);
                    results.Clear();
                }
            }
        }

        return (prompt, calls, results);
    }

    private static IEnumerable<JsonNode> Parts(ScriptStep step, List<string> tools) => step switch
    {
        ScriptStep.Say say => say.Pieces.Select(Part),
        ScriptStep.Think think => [new JsonObject { ["text"] = think.Text, ["thought"] = true }],
        ScriptStep.Call call => [Translate(call.Tool, tools)],
        _ => [],
    };

    private static JsonNode Part(string text) => new JsonObject { ["text"] = text };

    /// <summary>Its shell is the one that is offered: its own, or one that a server brings (<c>mcp_name_bash</c>).</summary>
    private static JsonObject Translate(ScriptTool tool, List<string> tools) => tool switch
    {
        ScriptTool.Bash bash => Call(
            tools.Find(t => t.StartsWith("mcp_", StringComparison.Ordinal) && t.EndsWith("_bash", StringComparison.Ordinal))
            ?? "run_shell_command", new JsonObject { ["command"] = bash.Command, ["description"] = "A scripted command" }),
        ScriptTool.Write write => Call("write_file", new JsonObject { ["file_path"] = write.Path, ["content"] = write.Text }),
        ScriptTool.Edit edit => Call("replace", new JsonObject
        { ["file_path"] = edit.Path, ["old_string"] = edit.Old, ["new_string"] = edit.New, ["instruction"] = "A scripted edit" }),
        ScriptTool.Read read => Call("read_file", new JsonObject { ["file_path"] = read.Path }),
        ScriptTool.Raw raw => Call(raw.Name, JsonNode.Parse(raw.InputJson)!),
        _ => Call("no_such_tool", new JsonObject()),
    };

    private static JsonObject Call(string name, JsonNode arguments)
        => new() { ["functionCall"] = new JsonObject { ["name"] = name, ["args"] = arguments } };

    private static JsonObject Chunk(JsonArray parts, bool last)
    {
        var candidate = new JsonObject { ["index"] = 0, ["content"] = new JsonObject { ["role"] = "model", ["parts"] = parts } };
        if (last)
        {
            candidate["finishReason"] = "STOP";
        }

        return new JsonObject
        {
            ["candidates"] = new JsonArray(candidate),
            ["usageMetadata"] = new JsonObject { ["promptTokenCount"] = 100, ["candidatesTokenCount"] = 10, ["totalTokenCount"] = 110 },
            ["modelVersion"] = "scripted",
        };
    }

    private static string AllText(JsonNode? parts)
        => parts is JsonArray array ? string.Concat(array.Select(p => p?["text"]?.GetValue<string>())) : "";
}
