using System.Text.Json;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// The tools that take the place of Codex's own (<c>dynamicTools</c>). Its own shell is off in every session: an approved command can be
/// typed into afterwards (<c>write_stdin</c>) without any question (seen with 0.169.0), so what was approved would not be what runs.
/// Immutable.
/// </summary>
internal sealed class CodexTools
{
    public const string Bash = "bash";
    public const string ReadFile = "read_file";
    public const string WriteFile = "write_file";
    public const string EditFile = "edit_file";
    public const string Todo = "update_todos";

    private static readonly HostTool s_ownBash = new(
        Bash,
        "Runs a bash command in the project, after a person allowed it, and returns its output and exit code. This is the only shell. Every call is a bash of its own: the "
        + "working directory and variables are not kept between calls. Background work is not available.",
        """
        {"type":"object","properties":{"command":{"type":"string","description":"The command to run"},"description":{"type":"string","description":"In a few words, what it is for"},"timeout":{"type":"number","description":"Milliseconds after which it is ended (default 600000)"}},"required":["command"],"additionalProperties":false}
        """.Trim());

    private static readonly HostTool[] s_always =
    [
        new(ReadFile, "Reads a text file. Relative paths are of the project.",
            """{"type":"object","properties":{"path":{"type":"string"},"offset":{"type":"integer","description":"First line, from 1"},"limit":{"type":"integer","description":"How many lines"}},"required":["path"],"additionalProperties":false}"""),
        new(WriteFile, "Writes a text file of the project whole, after a person saw the change and allowed it. Makes the file and its folders if need be.",
            """{"type":"object","properties":{"path":{"type":"string"},"content":{"type":"string"}},"required":["path","content"],"additionalProperties":false}"""),
        new(EditFile, "Replaces a text in a file of the project, after a person saw the change and allowed it. old_string must be in the file exactly once, or set replace_all.",
            """{"type":"object","properties":{"path":{"type":"string"},"old_string":{"type":"string"},"new_string":{"type":"string"},"replace_all":{"type":"boolean"}},"required":["path","old_string","new_string"],"additionalProperties":false}"""),
        new(Todo, "Shows the person your list of steps. Give it whole each time.",
            """{"type":"object","properties":{"items":{"type":"array","items":{"type":"object","properties":{"text":{"type":"string"},"status":{"type":"string","enum":["pending","in_progress","completed"]}},"required":["text","status"],"additionalProperties":false}}},"required":["items"],"additionalProperties":false}"""),
    ];

    private readonly IReadOnlyList<HostTool> _hostTools;

    public CodexTools(IReadOnlyList<HostTool> hostTools)
    {
        _hostTools = hostTools;
        All = [.. hostTools.Any(t => t.Name == Bash) ? hostTools : [s_ownBash, .. hostTools], .. s_always];
    }

    public IReadOnlyList<HostTool> All { get; }

    /// <summary>The machine runs it, not this driver.</summary>
    public bool IsHosts(string name) => _hostTools.Any(t => t.Name == name);

    public void Write(Utf8JsonWriter w)
    {
        w.WriteStartArray("dynamicTools");
        foreach (var tool in All)
        {
            w.WriteStartObject();
            w.WriteString("type", "function");
            w.WriteString("name", tool.Name);
            w.WriteString("description", tool.Description);
            w.WritePropertyName("inputSchema");
            w.WriteRawValue(tool.InputSchemaJson);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    public static ToolKind Kind(string name) => name switch
    {
        Bash => ToolKind.Execute,
        ReadFile => ToolKind.Read,
        WriteFile or EditFile => ToolKind.Edit,
        Todo => ToolKind.Todo,
        _ => ToolKind.Other,
    };
}
