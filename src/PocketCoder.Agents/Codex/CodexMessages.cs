using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Codex;

/// <summary>Parameters and answers of the app-server protocol, v2.</summary>
/// <remarks>As observed with codex-cli 0.169.0; names are those of its JSON schema (<c>codex app-server generate-json-schema
/// --experimental</c>).</remarks>
internal static class CodexMessages
{
    private const string Instructions =
        "You work through PocketCoder: a person looks at what you want to do, often on a phone, and allows or denies it; that may take minutes. "
        + "Your tools are bash (the only shell), read_file, write_file, edit_file and update_todos. apply_patch and view_image do not work here: use edit_file and write_file. "
        + "Each bash call is a shell of its own in the project's directory. If a script yields while a tool waits for the user, wait for it. "
        + "When a call is denied, read the reason and go another way; don't try the same again.";

    public static void Initialize(Utf8JsonWriter w)
    {
        w.WriteStartObject("clientInfo");
        w.WriteString("name", "pocketcoder");
        w.WriteString("title", "PocketCoder");
        w.WriteString("version", "1");
        w.WriteEndObject();
        w.WriteStartObject("capabilities");
        w.WriteBoolean("experimentalApi", true);
        w.WriteBoolean("requestAttestation", false);
        w.WriteEndObject();
    }

    public static void ThreadStart(Utf8JsonWriter w, AgentStart start, CodexTools tools, IEnumerable<string> foreignServers)
    {
        Gate(w, start, foreignServers);
        w.WriteStartArray("environments");
        w.WriteEndArray();
        tools.Write(w);
    }

    /// <summary>
    /// For <c>thread/resume</c> and <c>thread/fork</c>. The tools and the missing environment are kept with the thread; the rest is said
    /// again.
    /// </summary>
    public static void ThreadResume(Utf8JsonWriter w, AgentStart start, IEnumerable<string> foreignServers)
    {
        Gate(w, start, foreignServers);
        w.WriteString("threadId", start.ResumeId);
        w.WriteBoolean("excludeTurns", true);
        if (start is { Fork: true, ForkAt: { } last })
        {
            w.WriteString("lastTurnId", last);
        }

        if (start.ModelAccess is not null)
        {
            w.WriteString("modelProvider", CodexArguments.Provider); // else it would ask the one it began with, past the machine
        }
    }

    /// <param name="mode">To be said with this turn; null: as before.</param>
    /// <param name="effort">Chosen by the person; null: as it is.</param>
    public static void TurnStart(Utf8JsonWriter w, string threadId, IReadOnlyList<string> pieces, IReadOnlyList<Picture> pictures,
        string? model, string? effort, (string Mode, string Model, string? Effort)? mode)
    {
        w.WriteString("threadId", threadId);
        Input(w, pieces, pictures);
        w.WriteStartArray("environments"); // none: nothing of Codex's own can touch the machine, whatever else is offered
        w.WriteEndArray();
        w.WriteString("approvalPolicy", "untrusted");
        w.WriteString("approvalsReviewer", "user");
        if (model is not null)
        {
            w.WriteString("model", model);
        }

        if (effort is not null)
        {
            w.WriteString("effort", effort);
        }

        if (mode is { } changed)
        {
            w.WriteStartObject("collaborationMode");
            w.WriteString("mode", changed.Mode);
            w.WriteStartObject("settings");
            w.WriteString("model", changed.Model);
            w.WriteString("reasoning_effort", changed.Effort);
            w.WriteNull("developer_instructions");
            w.WriteEndObject();
            w.WriteEndObject();
        }
    }

    /// <param name="turnId">Refused when another one runs, or none.</param>
    public static void TurnSteer(Utf8JsonWriter w, string threadId, string turnId, IReadOnlyList<string> pieces)
    {
        w.WriteString("threadId", threadId);
        w.WriteString("expectedTurnId", turnId);
        Input(w, pieces, []);
    }

    public static byte[] ToolResult(string rawId, string text, bool success) => RpcMessages.Result(rawId, w =>
    {
        w.WriteStartArray("contentItems");
        w.WriteStartObject();
        w.WriteString("type", "inputText");
        w.WriteString("text", text);
        w.WriteEndObject();
        w.WriteEndArray();
        w.WriteBoolean("success", success);
    });

    /// <param name="answers">Codex's id of the question → what was answered.</param>
    public static byte[] Answers(string rawId, IEnumerable<(string Id, string Answer)> answers) => RpcMessages.Result(rawId, w =>
    {
        w.WriteStartObject("answers");
        foreach (var (id, answer) in answers)
        {
            w.WriteStartObject(id);
            w.WriteStartArray("answers");
            w.WriteStringValue(answer);
            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndObject();
    });

    public static byte[] Decline(string rawId) => RpcMessages.Result(rawId, w => w.WriteString("decision", "cancel"));

    private static void Input(Utf8JsonWriter w, IReadOnlyList<string> pieces, IReadOnlyList<Picture> pictures)
    {
        w.WriteStartArray("input");
        foreach (var picture in pictures)
        {
            w.WriteStartObject();
            w.WriteString("type", "image");
            // a path would have to be seen in its sandbox
            w.WriteString("url", $"data:{picture.MediaType};base64,{Convert.ToBase64String(picture.Bytes)}");
            w.WriteEndObject();
        }

        foreach (var piece in pieces)
        {
            w.WriteStartObject();
            w.WriteString("type", "text");
            w.WriteString("text", piece);
            w.WriteStartArray("text_elements");
            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void Gate(Utf8JsonWriter w, AgentStart start, IEnumerable<string> foreignServers)
    {
        w.WriteString("cwd", start.WorkingDirectory);
        w.WriteString("approvalPolicy", "untrusted");
        w.WriteString("approvalsReviewer", "user"); // the other values ask a model instead of a person
        w.WriteString("sandbox", "read-only");
        w.WriteString("developerInstructions", Instructions);
        if (start.Model is not null)
        {
            w.WriteString("model", start.Model);
        }

        w.WriteStartObject("config");
        w.WriteStartObject("mcp_servers");
        foreach (var server in foreignServers)
        {
            w.WriteStartObject(server);
            w.WriteBoolean("enabled", false);
            w.WriteEndObject();
        }

        w.WriteEndObject();
        w.WriteEndObject();
    }
}
