using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>The lines we write, each one JSON object: a line that is not JSON would end the program (captured: bad-stdin-line).</summary>
internal static class ClaudeMessages
{
    /// <summary>Id of the one hook we register: called before every tool.</summary>
    public const string BeforeToolHook = "before-tool";

    /// <summary>What the program itself calls the model it uses when none was chosen (2.1.197).</summary>
    private const string DefaultModel = "default";

    /// <summary>
    /// How long the program waits for the hook. It is answered at once, but a laptop may sleep in between, and a hook that ran out of time
    /// (by default after a minute) leaves the call to the program's own rules.
    /// </summary>
    private const int HookSeconds = 7 * 24 * 3600;

    public static byte[] Initialize(string requestId, string? appendSystemPrompt, ClaudeHostTools hostTools)
        => Request(requestId, "initialize", w =>
    {
        w.WriteStartObject("hooks");
        w.WriteStartArray("PreToolUse");
        w.WriteStartObject();
        w.WriteString("matcher", ""); // every tool
        w.WriteStartArray("hookCallbackIds");
        w.WriteStringValue(BeforeToolHook);
        w.WriteEndArray();
        w.WriteNumber("timeout", HookSeconds);
        w.WriteEndObject();
        w.WriteEndArray();
        w.WriteEndObject();
        if (appendSystemPrompt is not null)
        {
            w.WriteString("appendSystemPrompt", appendSystemPrompt);
        }

        hostTools.WriteInitialize(w);
    });

    public static byte[] Interrupt(string requestId) => Request(requestId, "interrupt");

    public static byte[] SetMode(string requestId, string mode)
        => Request(requestId, "set_permission_mode", w => w.WriteString("mode", mode));

    public static byte[] SetModel(string requestId, string? model)
        => Request(requestId, "set_model", w => w.WriteString("model", model ?? DefaultModel));

    /// <summary>Added to the settings of the command line, which stay as they are. Null takes it away again.</summary>
    public static byte[] SetEffort(string requestId, string? effort) => Request(requestId, "apply_flag_settings", w =>
    {
        w.WriteStartObject("settings");
        w.WriteString("effortLevel", effort); // null: as if it had not been set
        w.WriteEndObject();
    });

    public static byte[] Prompt(AgentPrompt prompt, IReadOnlyList<Picture> pictures) => LineJson.Write(w =>
    {
        w.WriteString("type", "user");
        w.WriteStartObject("message");
        w.WriteString("role", "user");
        w.WriteStartArray("content");
        foreach (var picture in pictures)
        {
            w.WriteStartObject();
            w.WriteString("type", "image");
            w.WriteStartObject("source");
            w.WriteString("type", "base64");
            w.WriteString("media_type", picture.MediaType);
            w.WriteBase64String("data", picture.Bytes);
            w.WriteEndObject();
            w.WriteEndObject();
        }

        foreach (var piece in prompt.Pieces)
        {
            w.WriteStartObject();
            w.WriteString("type", "text");
            w.WriteString("text", piece);
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteEndObject();
        w.WriteNull("parent_tool_use_id");
    });

    /// <summary>Allows a tool with exactly this input (raw JSON). The program refuses an allow without it.</summary>
    public static byte[] Allow(string requestId, string inputJson, string? mode = null) => Response(requestId, w =>
    {
        w.WriteString("behavior", "allow");
        w.WritePropertyName("updatedInput");
        w.WriteRawValue(inputJson);
        if (mode is not null)
        {
            w.WriteStartArray("updatedPermissions");
            w.WriteStartObject();
            w.WriteString("type", "setMode");
            w.WriteString("mode", mode);
            w.WriteString("destination", "session");
            w.WriteEndObject();
            w.WriteEndArray();
        }
    });

    /// <summary>Answers questions: the input as it came, and the answers beside it.</summary>
    public static byte[] Answers(string requestId, string inputJson, IReadOnlyDictionary<string, string> answers)
        => Response(requestId, w =>
    {
        using var input = JsonDocument.Parse(inputJson);
        w.WriteString("behavior", "allow");
        w.WriteStartObject("updatedInput");
        foreach (var member in input.RootElement.EnumerateObject().Where(m => m.Name != "answers"))
        {
            member.WriteTo(w);
        }

        w.WriteStartObject("answers");
        foreach (var (question, answer) in answers)
        {
            w.WriteString(question, answer);
        }

        w.WriteEndObject();
        w.WriteEndObject();
    });

    public static byte[] Deny(string requestId, string message, bool interrupt = false) => Response(requestId, w =>
    {
        w.WriteString("behavior", "deny");
        w.WriteString("message", message);
        w.WriteBoolean("interrupt", interrupt);
    });

    /// <summary>What a tool of ours gave, for the JSON-RPC request <paramref name="id"/> (raw JSON).</summary>
    public static byte[] ToolResult(string requestId, string id, string text, bool isError)
    {
        using var parsed = JsonDocument.Parse(id);
        return Mcp(requestId, parsed.RootElement, w =>
        {
            w.WriteStartObject("result");
            TextParts.WriteResult(w, text, isError);
            w.WriteEndObject();
        });
    }

    /// <summary>An answer of our MCP server. A notification has no id; the program wants an answer with one all the same.</summary>
    public static byte[] Mcp(string requestId, JsonElement? id, Action<Utf8JsonWriter> content) => Response(requestId, w =>
    {
        w.WriteStartObject("mcp_response");
        w.WriteString("jsonrpc", "2.0");
        w.WritePropertyName("id");
        if (id is { } known)
        {
            known.WriteTo(w);
        }
        else
        {
            w.WriteNumberValue(0);
        }

        content(w);
        w.WriteEndObject();
    });

    /// <summary>The hook's word on a tool call; null leaves it to the program's own rules.</summary>
    public static byte[] HookAnswer(string requestId, string? decision, string? reason) => Response(requestId, w =>
    {
        w.WriteBoolean("continue", true);
        if (decision is not null)
        {
            w.WriteStartObject("hookSpecificOutput");
            w.WriteString("hookEventName", "PreToolUse");
            w.WriteString("permissionDecision", decision);
            if (reason is not null)
            {
                w.WriteString("permissionDecisionReason", reason);
            }

            w.WriteEndObject();
        }
    });

    /// <summary>We don't understand the request, so the answer is no.</summary>
    public static byte[] Error(string requestId, string error) => LineJson.Write(w =>
    {
        w.WriteString("type", "control_response");
        w.WriteStartObject("response");
        w.WriteString("subtype", "error");
        w.WriteString("request_id", requestId);
        w.WriteString("error", error);
        w.WriteEndObject();
    });

    private static byte[] Request(string requestId, string subtype, Action<Utf8JsonWriter>? content = null) => LineJson.Write(w =>
    {
        w.WriteString("type", "control_request");
        w.WriteString("request_id", requestId);
        w.WriteStartObject("request");
        w.WriteString("subtype", subtype);
        content?.Invoke(w);
        w.WriteEndObject();
    });

    private static byte[] Response(string requestId, Action<Utf8JsonWriter> content) => LineJson.Write(w =>
    {
        w.WriteString("type", "control_response");
        w.WriteStartObject("response");
        w.WriteString("subtype", "success");
        w.WriteString("request_id", requestId);
        w.WriteStartObject("response");
        content(w);
        w.WriteEndObject();
        w.WriteEndObject();
    });
}
