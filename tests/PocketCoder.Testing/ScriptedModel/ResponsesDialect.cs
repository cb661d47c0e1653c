using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace PocketCoder.Testing.ScriptedModel;

/// <summary>OpenAI's Responses API, streaming, as far as Codex uses it. Source: the public API reference and recorded traffic.</summary>
internal static class ResponsesDialect
{
    private static int s_items;

    public static void Map(WebApplication app, ScriptedModelServer server)
    {
        app.MapGet("/v1/models", () => Results.Json(new JsonObject { ["object"] = "list", ["data"] = new JsonArray() }));
        app.MapPost("/v1/responses", context => AnswerAsync(context, server));
    }

    private static async Task AnswerAsync(HttpContext context, ScriptedModelServer server)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var (prompt, calls, results) = Conversation(body["input"]!.AsArray());
        var tools = Tools(body["tools"]?.AsArray() ?? []).Concat(body["input"]!.AsArray()
            .Where(i => i!["type"]?.GetValue<string>() == "additional_tools").SelectMany(i => Tools(i!["tools"]!.AsArray()))).ToList();
        var isSide = tools.Count == 0; // OpenCode's own questions to a model: what the title may be
        server.Record(new ModelRequest(
            isSide ? "responses-side" : "responses", context.Request.Path, Stream: true, [.. tools.Select(t => t.Name)],
            $"{body["instructions"]?.GetValue<string>()}\n{string.Join('\n', body["input"]!.AsArray().Where(i => i!["role"]?.GetValue<string>() == "developer").Select(i => AllText(i!["content"])))}",
            prompt, results, context.Request.Headers.Authorization.FirstOrDefault()?.Replace("Bearer ", "", StringComparison.Ordinal))
        {
            Body = body.ToJsonString(),
            Model = body["model"]?.GetValue<string>(),
            Effort = body["reasoning"]?["effort"]?.GetValue<string>()
        });

        IReadOnlyList<ScriptStep> steps = isSide ? [new ScriptStep.Say(["A title"])]
            : server.Round(prompt, calls, results.Count == 0 ? null : results[^1]);
        if (steps.OfType<ScriptStep.Fail>().FirstOrDefault(f => server.FailsNow(prompt, f)) is { } fail)
        {
            context.Response.StatusCode = fail.Status;
            await context.Response.WriteAsJsonAsync(
                new JsonObject { ["error"] = new JsonObject { ["message"] = $"scripted {fail.Status}", ["type"] = "scripted" } });
            return;
        }

        await StreamAsync(context, steps, tools, server, prompt);
    }

    /// <summary>Newer models get theirs in a message of its own, and in name spaces.</summary>
    private static IEnumerable<(string Type, string Name)> Tools(JsonArray tools)
        => tools.SelectMany(t => t!["type"]!.GetValue<string>() == "namespace"
        ? Tools(t["tools"]!.AsArray())
        : [(t["type"]!.GetValue<string>(), t["name"]?.GetValue<string>() ?? t["type"]!.GetValue<string>())]);

    private static (string Prompt, int Calls, IReadOnlyList<string> Results) Conversation(JsonArray input)
    {
        var prompt = "";
        var calls = 0;
        var results = new List<string>();
        foreach (var item in input)
        {
            switch (item!["type"]?.GetValue<string>())
            {
                case "function_call" or "custom_tool_call":
                    calls++;
                    break;
                case "function_call_output" or "custom_tool_call_output":
                    results.Add(AllText(item["output"]));
                    break;
                case "message" or null when item["role"]?.GetValue<string>() == "user":
                    // What Codex adds by itself (environment, notes of the project, "the turn was aborted") is in tags or under a heading
                    // of its own.
                    if (Words(item["content"]) is { Length: > 0 } text && !text.StartsWith("# AGENTS.md", StringComparison.Ordinal))
                    {
                        (prompt, calls) = (text, 0);
                        results.Clear();
                    }

                    break;
            }
        }

        return (prompt, calls, results);
    }

    /// <summary>A person's: pictures stand between tags, and so do the machine's notes.</summary>
    private static string Words(JsonNode? content)
        => content is JsonArray pieces ? string.Concat(pieces.Select(AllText).Where(t => !t.StartsWith('<'))) : AllText(content) is var text
            && text.StartsWith('<') ? "" : text;

    private static string AllText(JsonNode? node) => node switch
    {
        null => "",
        JsonArray array => string.Concat(array.Select(AllText)),
        JsonObject block => block["text"]?.GetValue<string>() ?? block["output"]?.GetValue<string>() ?? "",
        _ => node.GetValueKind() == System.Text.Json.JsonValueKind.String ? node.GetValue<string>() : "",
    };

    private static async Task StreamAsync(HttpContext context, IReadOnlyList<ScriptStep> steps,
        IReadOnlyList<(string Type, string Name)> tools, ScriptedModelServer server, string prompt)
    {
        context.Response.ContentType = "text/event-stream";
        var response = NextId("resp");
        await EventAsync("response.created", new JsonObject { ["response"] = new JsonObject { ["id"] = response } });
        var index = 0;
        var pace = 0;
        foreach (var step in steps)
        {
            switch (step)
            {
                case ScriptStep.Slow slow:
                    pace = slow.Milliseconds;
                    break;
                case ScriptStep.Say say:
                    await SayAsync(say.Pieces);
                    break;
                case ScriptStep.Think think:
                    await ThinkAsync(Script.Words(think.Text));
                    break;
                case ScriptStep.Call { Tool: ScriptTool.Plan plan }:
                    await SayAsync(["<proposed_plan>\n", plan.Text, "\n</proposed_plan>"]); // no tool: a form of speech
                    break;
                case ScriptStep.Call call:
                    await CallAsync(call.Tool);
                    break;
                case ScriptStep.Break broken when broken.Always || server.FailsNow(prompt, new ScriptStep.Fail(0, 1)):
                    var half = Message(NextId("msg"), "");
                    await EventAsync("response.output_item.added",
                        new JsonObject { ["output_index"] = index, ["item"] = half.DeepClone() });
                    await EventAsync("response.output_text.delta", new JsonObject
                    {
                        ["item_id"] = half["id"]!.DeepClone(),
                        ["output_index"] = index,
                        ["content_index"] = 0,
                        ["delta"] = "about to break"
                    });
                    await server.BreakAsync(
                        context, broken.Kind, () => WriteAsync("event: response.output_text.delta\ndata: {\"type\": \n\n"));
                    return;
                case ScriptStep.Break:
                    await SayAsync(["whole after all"]);
                    break;
            }
        }

        await EventAsync("response.completed", new JsonObject
        {
            ["response"] = new JsonObject
            {
                ["id"] = response,
                ["usage"] = new JsonObject
                {
                    ["input_tokens"] = 130,
                    ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = 30 },
                    ["output_tokens"] = 20,
                    ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0 },
                    ["total_tokens"] = 150,
                },
            },
        });

        async Task SayAsync(IReadOnlyList<string> pieces)
        {
            var id = NextId("msg");
            await EventAsync("response.output_item.added", new JsonObject { ["output_index"] = index, ["item"] = Message(id, "") });
            foreach (var piece in pieces)
            {
                await PaceAsync();
                await EventAsync("response.output_text.delta",
                    new JsonObject { ["item_id"] = id, ["output_index"] = index, ["content_index"] = 0, ["delta"] = piece });
            }

            await EventAsync("response.output_item.done",
                new JsonObject { ["output_index"] = index++, ["item"] = Message(id, string.Concat(pieces)) });
        }

        async Task ThinkAsync(IReadOnlyList<string> pieces)
        {
            var id = NextId("rs");
            await EventAsync("response.output_item.added", new JsonObject { ["output_index"] = index, ["item"] = Reasoning(id, null) });
            await EventAsync("response.reasoning_summary_part.added",
                new JsonObject { ["item_id"] = id, ["output_index"] = index, ["summary_index"] = 0 });
            foreach (var piece in pieces)
            {
                await PaceAsync();
                await EventAsync("response.reasoning_summary_text.delta",
                    new JsonObject { ["item_id"] = id, ["output_index"] = index, ["summary_index"] = 0, ["delta"] = piece });
            }

            await EventAsync("response.output_item.done",
                new JsonObject { ["output_index"] = index++, ["item"] = Reasoning(id, string.Concat(pieces)) });
        }

        async Task CallAsync(ScriptTool tool)
        {
            var (name, input) = Translate(tool, [.. tools.Select(t => t.Name)]);
            var isCustom = tools.Any(t => t.Name == name && t.Type == "custom");
            var item = new JsonObject
            {
                ["type"] = isCustom ? "custom_tool_call" : "function_call",
                ["id"] = NextId("fc"),
                ["call_id"] = NextId("call"),
                ["status"] = "completed",
                ["name"] = name,
                [isCustom ? "input" : "arguments"] = input,
            };
            await EventAsync("response.output_item.added", new JsonObject { ["output_index"] = index, ["item"] = item.DeepClone() });
            await EventAsync("response.output_item.done", new JsonObject { ["output_index"] = index++, ["item"] = item });
        }

        Task PaceAsync() => Wait.PauseAsync(pace, context.RequestAborted);

        Task EventAsync(string type, JsonObject data)
        {
            data["type"] = type;
            return WriteAsync($"event: {type}\ndata: {data.ToJsonString()}\n\n");
        }

        async Task WriteAsync(string text)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static JsonObject Message(string id, string text) => new()
    {
        ["type"] = "message",
        ["id"] = id,
        ["role"] = "assistant",
        ["content"] = text.Length == 0 ? new JsonArray()
            : new JsonArray(new JsonObject { ["type"] = "output_text", ["text"] = text, ["annotations"] = new JsonArray() }),
    };

    private static JsonObject Reasoning(string id, string? summary) => new()
    {
        ["type"] = "reasoning",
        ["id"] = id,
        ["summary"] = summary is null ? new JsonArray() : new JsonArray(new JsonObject { ["type"] = "summary_text", ["text"] = summary }),
    };

    private static (string Name, string Input) Translate(ScriptTool tool, IReadOnlyList<string> offered) => tool switch
    {
        ScriptTool.Bash bash when offered.Contains("bash", StringComparer.Ordinal) =>
            ("bash", Json(("command", bash.Command), ("description", "A scripted command"))),
        ScriptTool.Bash bash => ("exec_command", Json(("cmd", bash.Command))),
        ScriptTool.Write write => ("write_file", Json(("path", write.Path), ("content", write.Text))),
        ScriptTool.Edit edit => ("edit_file", Json(("path", edit.Path), ("old_string", edit.Old), ("new_string", edit.New))),
        ScriptTool.Read read => ("read_file", Json(("path", read.Path))),
        ScriptTool.Ask ask => ("request_user_input", new JsonObject
        {
            ["questions"] = new JsonArray(new JsonObject
            {
                ["id"] = "q1",
                ["header"] = "Choice",
                ["question"] = ask.Question,
                ["options"] = new JsonArray(
                    [.. ask.Options.Select(o => new JsonObject { ["label"] = o, ["description"] = $"Choose {o}" })]),
            }),
        }.ToJsonString()),
        ScriptTool.Todo todo => ("update_todos", new JsonObject
        {
            ["items"] = new JsonArray(new JsonObject { ["text"] = todo.Text, ["status"] = "pending" }),
        }.ToJsonString()),
        ScriptTool.Raw raw => (raw.Name, raw.InputJson),
        _ => ("no_such_tool", "{}"),
    };

    private static string Json(params (string Name, string Value)[] members)
    {
        var json = new JsonObject();
        foreach (var (name, value) in members)
        {
            json[name] = value;
        }

        return json.ToJsonString();
    }

    private static string NextId(string prefix) => $"{prefix}_{Interlocked.Increment(ref s_items):D8}{Guid.CreateVersion7():N}";
}
