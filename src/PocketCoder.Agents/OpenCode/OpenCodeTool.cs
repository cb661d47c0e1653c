using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>OpenCode's tools, for people and for the gate.</summary>
internal static class OpenCodeTool
{
    public static bool IsOurs(string tool) => tool.StartsWith(OpenCodeRules.McpPrefix, StringComparison.Ordinal);

    /// <summary>Without the name of our server before it.</summary>
    public static string Name(string tool) => IsOurs(tool) ? tool[OpenCodeRules.McpPrefix.Length..] : tool;

    public static ToolKind Kind(string tool) => Name(tool) switch
    {
        "bash" when IsOurs(tool) => ToolKind.Execute,
        "read" or "list" => ToolKind.Read,
        "glob" or "grep" => ToolKind.Search,
        "edit" or "write" or "apply_patch" => ToolKind.Edit,
        "webfetch" => ToolKind.Fetch,
        "question" => ToolKind.Question,
        "todowrite" => ToolKind.Todo,
        _ => ToolKind.Other,
    };

    /// <summary>Runs by itself: it changes nothing, or it is ours. Everything else runs once a person allowed it, or not at all.</summary>
    public static bool IsFree(string tool) => tool is "read" or "list" or "glob" or "grep" or "question" or "todowrite" or "invalid"
        || IsOurs(tool);

    /// <summary>The file or folder it works on, as the model wrote it.</summary>
    public static string? Path(string tool, JsonElement input) => tool switch
    {
        "read" or "edit" or "write" => input.Text("filePath"),
        "glob" or "grep" or "list" => input.Text("path"),
        _ => null,
    };

    public static string Title(string tool, JsonElement input)
        => BoundedText.OneLine(input.Text("command") ?? Path(tool, input) ?? input.Text("url") ?? input.Text("pattern") ?? Name(tool));

    public static AgentTodo Todo(JsonElement item) => new(item.Text("content") ?? "", item.Text("status") switch
    {
        "completed" => TodoState.Done,
        "in_progress" => TodoState.Active,
        _ => TodoState.Pending,
    });
}
