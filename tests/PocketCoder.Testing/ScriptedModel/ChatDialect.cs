using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace PocketCoder.Testing.ScriptedModel;

/// <summary>
/// OpenAI's Chat Completions API, streaming, as far as OpenCode uses it. Source: the public API reference and recorded traffic.
/// </summary>
internal static class ChatDialect
{
    private static int s_calls;

    public static void Map(WebApplication app, ScriptedModelServer server)
        => app.MapPost("/v1/chat/completions", context => AnswerAsync(context, server));

    private static async Task AnswerAsync(HttpContext context, ScriptedModelServer server)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var (system, prompt, made, results) = Conversation(body["messages"]!.AsArray());
        var tools = (body["tools"]?.AsArray() ?? []).Select(t => t!["function"]!["name"]!.GetValue<string>()).ToList();
        var isSide = tools.Count == 0; // its own questions to a model: what the title may be
        server.Record(new ModelRequest(
            isSide ? "chat-side" : "chat", context.Request.Path, Stream: true, tools, system, prompt, results,
            context.Request.Headers.Authorization.FirstOrDefault()?.Replace("Bearer ", "", StringComparison.Ordinal))
        { Body = body.ToJsonString(), Model = body["model"]?.GetValue<string>() });
        IReadOnlyList<ScriptStep> steps = isSide ? [new ScriptStep.Say(["A title"])]
            : server.Round(prompt, made, results.Count == 0 ? null : results[^1]);
        if (steps.OfType<ScriptStep.Fail>().FirstOrDefault(f => server.FailsNow(prompt, f)) is { } fail)
        {
            context.Response.StatusCode = fail.Status;
            context.Response.Headers.RetryAfter = "1";
            await context.Response.WriteAsJsonAsync(new JsonObject
            { ["error"] = new JsonObject { ["message"] = $"scripted {fail.Status}", ["type"] = "scripted", ["code"] = "scripted" } });
            return;
        }

        await StreamAsync(context, steps, tools, server, prompt);
    }

    private static (string System, string Prompt, int Calls, IReadOnlyList<string> Results) Conversation(JsonArray messages)
    {
        var (system, prompt, made) = ("", "", 0);
        var results = new List<string>();
        foreach (var message in messages)
        {
            switch (message!["role"]!.GetValue<string>())
            {
                case "system":
                    system += Texts(message["content"]).Aggregate("", string.Concat);
                    break;
                case "assistant":
                    made += message["tool_calls"]?.AsArray().Count > 0 ? 1 : 0;
                    break;
                case "tool":
                    results.Add(string.Concat(Texts(message["content"])));
                    break;
                case "user":
                    // What the program adds by itself (notes, its mode) is in tags.
                    if (string.Concat(Texts(message["content"]).Where(t => !t.TrimStart().StartsWith('<'))) is { Length: > 0 } text)
                    {
                        (prompt, made) = (text, 0);
                        results.Clear();
                    }

                    break;
            }
        }

        return (system, prompt, made, results);
    }

    private static IEnumerable<string> Texts(JsonNode? content) => content switch
    {
        JsonArray parts => parts.Select(p => p?["text"]?.GetValue<string>() ?? ""),
        JsonValue value => [value.GetValue<string>()],
        _ => [],
    };

    private static async Task StreamAsync(
        HttpContext context, IReadOnlyList<ScriptStep> steps, IReadOnlyList<string> tools, ScriptedModelServer server, string prompt)
    {
        context.Response.ContentType = "text/event-stream";
        var pace = 0;
        var index = 0;
        await DeltaAsync(new JsonObject { ["role"] = "assistant" });
        foreach (var step in steps)
        {
            switch (step)
            {
                case ScriptStep.Slow slow:
                    pace = slow.Milliseconds;
                    break;
                case ScriptStep.Say say:
                    await PiecesAsync("content", say.Pieces);
                    break;
                case ScriptStep.Think think:
                    await PiecesAsync("reasoning_content", Script.Words(think.Text));
                    break;
                case ScriptStep.Call call:
                    await CallAsync(call.Tool);
                    break;
                case ScriptStep.Break broken when broken.Always || server.FailsNow(prompt, new ScriptStep.Fail(0, 1)):
                    await PiecesAsync("content", ["about to break"]);
                    await server.BreakAsync(context, broken.Kind, () => WriteAsync("data: {\"choices\": \n\n"));
                    return;
                case ScriptStep.Break:
                    await PiecesAsync("content", ["whole after all"]);
                    break;
            }
        }

        await ChunkAsync(new JsonArray(
            new JsonObject { ["index"] = 0, ["delta"] = new JsonObject(), ["finish_reason"] = index > 0 ? "tool_calls" : "stop" }), null);
        await ChunkAsync([], new JsonObject
        {
            ["prompt_tokens"] = 130,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = 30 },
            ["completion_tokens"] = 20,
            ["total_tokens"] = 150,
        });
        await WriteAsync("data: [DONE]\n\n");

        async Task PiecesAsync(string member, IReadOnlyList<string> pieces)
        {
            foreach (var piece in pieces)
            {
                await Wait.PauseAsync(pace, context.RequestAborted);

                await DeltaAsync(new JsonObject { [member] = piece });
            }
        }

        async Task CallAsync(ScriptTool tool)
        {
            var (name, input) = Translate(tool, tools);
            await DeltaAsync(new JsonObject
            {
                ["tool_calls"] = new JsonArray(new JsonObject
                {
                    ["index"] = index++,
                    ["id"] = $"call_{Interlocked.Increment(ref s_calls):D8}",
                    ["type"] = "function",
                    ["function"] = new JsonObject { ["name"] = name, ["arguments"] = input },
                }),
            });
        }

        Task DeltaAsync(JsonObject delta)
            => ChunkAsync(new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = null }), null);

        Task ChunkAsync(JsonArray choices, JsonObject? usage)
        {
            var chunk = new JsonObject
            {
                ["id"] = "chatcmpl-scripted",
                ["object"] = "chat.completion.chunk",
                ["created"] = 1,
                ["model"] = "scripted",
                ["choices"] = choices
            };
            if (usage is not null)
            {
                chunk["usage"] = usage;
            }

            return WriteAsync($"data: {chunk.ToJsonString()}\n\n");
        }

        async Task WriteAsync(string text)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static (string Name, string Input) Translate(ScriptTool tool, IReadOnlyList<string> offered) => tool switch
    {
        // The machine's shell carries the name of its server; the program's own is called when that is what is offered.
        ScriptTool.Bash bash => (
            offered.FirstOrDefault(t => t.EndsWith("_bash", StringComparison.Ordinal)) ?? "bash",
            new JsonObject { ["command"] = bash.Command, ["description"] = "A scripted command" }.ToJsonString()),
        ScriptTool.Write write => ("write", new JsonObject { ["filePath"] = write.Path, ["content"] = write.Text }.ToJsonString()),
        ScriptTool.Edit edit => ("edit",
            new JsonObject { ["filePath"] = edit.Path, ["oldString"] = edit.Old, ["newString"] = edit.New }.ToJsonString()),
        ScriptTool.Read read => ("read", new JsonObject { ["filePath"] = read.Path }.ToJsonString()),
        ScriptTool.Ask ask => ("question", new JsonObject
        {
            ["questions"] = new JsonArray(new JsonObject
            {
                ["question"] = ask.Question,
                ["header"] = "Choice",
                ["options"] = new JsonArray(
                    [.. ask.Options.Select(o => new JsonObject { ["label"] = o, ["description"] = $"Choose {o}" })]),
            }),
        }.ToJsonString()),
        ScriptTool.Todo todo => ("todowrite", new JsonObject
        {
            ["todos"] = new JsonArray(new JsonObject { ["content"] = todo.Text, ["status"] = "in_progress", ["priority"] = "high" }),
        }.ToJsonString()),
        ScriptTool.Raw raw => (raw.Name, raw.InputJson),
        _ => ("no_such_tool", "{}"),
    };
}
