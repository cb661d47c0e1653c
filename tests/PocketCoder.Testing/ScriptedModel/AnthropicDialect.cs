using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace PocketCoder.Testing.ScriptedModel;

/// <summary>
/// Anthropic Messages API, streaming and plain, as far as Claude Code uses it. Source: the public API reference and recorded traffic.
/// </summary>
internal static class AnthropicDialect
{
    private static int s_messages;

    public static void Map(WebApplication app, ScriptedModelServer server)
    {
        app.MapMethods("/", ["HEAD", "GET"], () => Results.Ok());
        app.MapPost("/v1/messages/count_tokens", () => Results.Json(new JsonObject { ["input_tokens"] = 100 }));
        app.MapPost("/v1/messages", context => AnswerAsync(context, server));
    }

    private static async Task AnswerAsync(HttpContext context, ScriptedModelServer server)
    {
        var body = (await JsonNode.ParseAsync(context.Request.Body))!.AsObject();
        var (prompt, calls, results) = Conversation(body["messages"]!.AsArray());
        var stream = body["stream"]?.GetValue<bool>() ?? false;
        server.Record(new ModelRequest(
            "anthropic", context.Request.Path + context.Request.QueryString, stream,
            [.. (body["tools"]?.AsArray() ?? []).Select(t => t!["name"]!.GetValue<string>())],
            AllText(body["system"]), prompt, results,
            context.Request.Headers["x-api-key"].FirstOrDefault()
                ?? context.Request.Headers.Authorization.FirstOrDefault())
        {
            Body = body.ToJsonString(),
            Model = body["model"]?.GetValue<string>(),
            Effort = body["output_config"]?["effort"]?.GetValue<string>()
        });

        var steps = server.Round(prompt, calls, results.Count == 0 ? null : results[^1]);
        if (steps.OfType<ScriptStep.Fail>().FirstOrDefault(f => server.FailsNow(prompt, f)) is { } fail)
        {
            await FailAsync(context, fail.Status);
            return;
        }

        var model = body["model"]?.GetValue<string>() ?? "scripted";
        var tools = (body["tools"]?.AsArray() ?? []).Select(t => t!["name"]!.GetValue<string>()).ToHashSet(StringComparer.Ordinal);
        if (stream)
        {
            await StreamAsync(context, steps, model, tools, server);
        }
        else
        {
            await PlainAsync(context, steps, model, tools);
        }
    }

    private static (string Prompt, int Calls, IReadOnlyList<string> Results) Conversation(JsonArray history)
    {
        var prompt = "";
        var calls = 0;
        var results = new List<string>();
        foreach (var message in history)
        {
            var content = message!["content"] is JsonArray array ? array.Select(b => b!.AsObject()).ToList()
                : [new JsonObject { ["type"] = "text", ["text"] = message["content"]!.DeepClone() }];
            if (message["role"]!.GetValue<string>() == "assistant")
            {
                calls += content.Any(b => Type(b) == "tool_use") ? 1 : 0;
                continue;
            }

            if (message["role"]!.GetValue<string>() != "user")
            {
                continue; // reminders come as messages of the role system
            }

            // After a failed or interrupted turn the program merges several messages of the person into one: the last text is the prompt.
            foreach (var block in content)
            {
                if (Type(block) == "tool_result")
                {
                    results.Add(AllText(block["content"]));
                }
                else if (Type(block) == "text" && block["text"]!.GetValue<string>() is { Length: > 0 } text
                    && !text.StartsWith("<system-reminder>", StringComparison.Ordinal)
                    && !text.StartsWith("[Request interrupted", StringComparison.Ordinal))
                {
                    (prompt, calls) = (text, 0);
                    results.Clear();
                }
            }
        }

        return (prompt, calls, results);

        static string Type(JsonObject block) => block["type"]!.GetValue<string>();
    }

    private static string AllText(JsonNode? node) => node switch
    {
        null => "",
        JsonArray array => string.Concat(array.Select(AllText)),
        JsonObject block => block["text"]?.GetValue<string>() ?? "",
        _ => node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : "",
    };

    private static async Task FailAsync(HttpContext context, int status)
    {
        var type = status switch
        {
            401 => "authentication_error",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            _ => "invalid_request_error"
        };
        context.Response.StatusCode = status;
        if (status == 429)
        {
            context.Response.Headers.RetryAfter = "1";
        }

        await context.Response.WriteAsJsonAsync(new JsonObject
        {
            ["type"] = "error",
            ["error"] = new JsonObject { ["type"] = type, ["message"] = $"scripted {status}" },
        });
    }

    private static async Task PlainAsync(HttpContext context, IReadOnlyList<ScriptStep> steps, string model, IReadOnlySet<string> tools)
    {
        if (steps.OfType<ScriptStep.Break>().Any(b => b.Always))
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("{\"broken\": ");
            return;
        }

        var content = new JsonArray();
        foreach (var step in steps)
        {
            switch (step)
            {
                case ScriptStep.Say say:
                    content.Add(new JsonObject { ["type"] = "text", ["text"] = string.Concat(say.Pieces) });
                    break;
                case ScriptStep.Think think:
                    content.Add(new JsonObject { ["type"] = "thinking", ["thinking"] = think.Text, ["signature"] = "c2NyaXB0" });
                    break;
                case ScriptStep.Call call:
                    var (name, input) = Translate(call.Tool, tools);
                    content.Add(new JsonObject
                    { ["type"] = "tool_use", ["id"] = NextId("toolu"), ["name"] = name, ["input"] = JsonNode.Parse(input) });
                    break;
                case ScriptStep.Break:
                    content.Add(new JsonObject { ["type"] = "text", ["text"] = "whole after all" });
                    break;
            }
        }

        var reply = Message(model, content);
        reply["stop_reason"] = steps.Any(s => s is ScriptStep.Call) ? "tool_use" : "end_turn";
        await context.Response.WriteAsJsonAsync(reply);
    }

    private static async Task StreamAsync(
        HttpContext context, IReadOnlyList<ScriptStep> steps, string model, IReadOnlySet<string> tools, ScriptedModelServer server)
    {
        context.Response.ContentType = "text/event-stream";
        await EventAsync("message_start", new JsonObject { ["message"] = Message(model, []) });
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
                    await BlockAsync(new JsonObject { ["type"] = "text", ["text"] = "" },
                        say.Pieces.Select(p => new JsonObject { ["type"] = "text_delta", ["text"] = p }));
                    break;
                case ScriptStep.Think think:
                    await BlockAsync(
                        new JsonObject { ["type"] = "thinking", ["thinking"] = "", ["signature"] = "" },
                        [.. Script.Words(think.Text).Select(w => new JsonObject { ["type"] = "thinking_delta", ["thinking"] = w }),
                            new JsonObject { ["type"] = "signature_delta", ["signature"] = "c2NyaXB0" }]);
                    break;
                case ScriptStep.Call call:
                    var (name, input) = Translate(call.Tool, tools);
                    await BlockAsync(
                        new JsonObject { ["type"] = "tool_use", ["id"] = NextId("toolu"), ["name"] = name, ["input"] = new JsonObject() },
                        input.Chunk(40).Select(c => new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = new string(c) }));
                    break;
                case ScriptStep.Break broken:
                    await EventAsync("content_block_start",
                        new JsonObject { ["index"] = index, ["content_block"] = new JsonObject { ["type"] = "text", ["text"] = "" } });
                    await EventAsync("content_block_delta", new JsonObject
                    { ["index"] = index, ["delta"] = new JsonObject { ["type"] = "text_delta", ["text"] = "about to break" } });
                    await server.BreakAsync(context, broken.Kind, () => WriteAsync("event: content_block_delta\ndata: {\"type\": \n\n"));
                    return;
            }
        }

        await EventAsync("message_delta", new JsonObject
        {
            ["delta"] = new JsonObject
            { ["stop_reason"] = steps.Any(s => s is ScriptStep.Call) ? "tool_use" : "end_turn", ["stop_sequence"] = null },
            ["usage"] = new JsonObject { ["output_tokens"] = 20 },
        });
        await EventAsync("message_stop", []);

        async Task BlockAsync(JsonObject start, IEnumerable<JsonObject> deltas)
        {
            await EventAsync("content_block_start", new JsonObject { ["index"] = index, ["content_block"] = start });
            foreach (var delta in deltas)
            {
                await Wait.PauseAsync(pace, context.RequestAborted);

                await EventAsync("content_block_delta", new JsonObject { ["index"] = index, ["delta"] = delta });
            }

            await EventAsync("content_block_stop", new JsonObject { ["index"] = index });
            index++;
        }

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

    private static JsonObject Message(string model, JsonArray content) => new()
    {
        ["id"] = NextId("msg"),
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = model,
        ["content"] = content,
        ["stop_reason"] = null,
        ["stop_sequence"] = null,
        ["usage"] = new JsonObject
        { ["input_tokens"] = 100, ["output_tokens"] = 20, ["cache_read_input_tokens"] = 30, ["cache_creation_input_tokens"] = 40 },
    };

    private static (string Name, string InputJson) Translate(ScriptTool tool, IReadOnlySet<string> offered) => tool switch
    {
        ScriptTool.Bash bash => (offered.FirstOrDefault(t => t.EndsWith("__bash", StringComparison.Ordinal)) ?? "Bash",
            Json(("command", bash.Command), ("description", "A scripted command"))),
        ScriptTool.Write write => ("Write", Json(("file_path", write.Path), ("content", write.Text))),
        ScriptTool.Edit edit => ("Edit", Json(("file_path", edit.Path), ("old_string", edit.Old), ("new_string", edit.New))),
        ScriptTool.Read read => ("Read", Json(("file_path", read.Path))),
        ScriptTool.Ask ask => ("AskUserQuestion", new JsonObject
        {
            ["questions"] = new JsonArray(new JsonObject
            {
                ["question"] = ask.Question,
                ["header"] = "Choice",
                ["multiSelect"] = false,
                ["options"] = new JsonArray(
                    [.. ask.Options.Select(o => new JsonObject { ["label"] = o, ["description"] = $"Choose {o}" })]),
            }),
        }.ToJsonString()),
        ScriptTool.Plan plan => ("ExitPlanMode", Json(("plan", plan.Text))),
        ScriptTool.Todo todo when offered.Contains("TodoWrite") => ("TodoWrite", new JsonObject
        {
            ["todos"] = new JsonArray(new JsonObject { ["content"] = todo.Text, ["status"] = "pending", ["activeForm"] = todo.Text }),
        }.ToJsonString()),
        ScriptTool.Todo todo => ("TaskCreate", Json(("subject", todo.Text), ("description", todo.Text), ("activeForm", todo.Text))),
        ScriptTool.Agent agent => (offered.Contains("Agent") ? "Agent" : "Task",
            Json(("description", "A scripted task"), ("prompt", agent.Prompt), ("subagent_type", "general-purpose"))),
        ScriptTool.Raw raw => (raw.Name, raw.InputJson),
        _ => throw new NotSupportedException(tool.GetType().Name),
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

    private static string NextId(string prefix)
        => string.Create(CultureInfo.InvariantCulture, $"{prefix}_{Interlocked.Increment(ref s_messages):D8}{Guid.CreateVersion7():N}");
}
