using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Acp;

/// <summary>One tool call as the agent has described it so far; updates bring only what changed.</summary>
internal sealed class AcpCall(string id)
{
    private const int MostPlaces = 64;

    /// <summary>What agents' tools call the file or folder that they look at.</summary>
    private static readonly string[] s_pathMembers = ["file_path", "filePath", "path", "absolute_path", "notebook_path", "dir_path"];

    public string Id { get; } = id;

    public bool Announced { get; set; }

    public bool Ended { get; set; }

    /// <summary>Whether the agent asked before it did it.</summary>
    public bool WasAsked { get; set; }

    /// <summary>The agent's own name for the tool, or the kind.</summary>
    public string Name { get; private set; } = "tool";

    public string Title { get; private set; } = "";

    public ToolKind Kind { get; private set; } = ToolKind.Other;

    /// <summary>The tool's input, raw JSON; null while unknown. Some agents never tell.</summary>
    public string? InputJson { get; private set; }

    public string? Command { get; private set; }

    public string? Path { get; private set; }

    /// <summary>
    /// Every file or folder that it names, as the agent wrote it: its locations, and what the input of a known tool calls a path.
    /// </summary>
    public IReadOnlyList<string> Places { get; private set; } = [];

    /// <summary>The only change announced, or null: none, or several.</summary>
    public (string Path, string? Old, string New)? Diff { get; private set; }

    public string Output { get; private set; } = "";

    public int? ExitCode { get; private set; }

    public void Merge(JsonElement update)
    {
        Title = update.Text("title") ?? Title;
        if (update.Text("kind") is { } kind)
        {
            Kind = ToKind(kind);
            Name = Name == "tool" ? kind : Name;
        }

        Name = update.Object("_meta")?.Object("claudeCode")?.Text("toolName") ?? Name;
        if (update.Object("rawInput") is { } input && input.EnumerateObject().Any())
        {
            InputJson = input.GetRawText();
            Command = input.Text("command");
        }

        Path = update.Items("locations").FirstOrDefault().Text("path") ?? Path;
        var named = update.Items("locations").Select(l => l.Text("path"))
            .Concat(s_pathMembers.Select(m => update.Object("rawInput")?.Text(m))).Where(p => p is { Length: > 0 }).OfType<string>();
        Places = [.. Places.Union(named, StringComparer.Ordinal).Take(MostPlaces)];
        var content = update.Items("content").ToList();
        var diffs = content.Where(c => c.Text("type") == "diff" && c.Text("path") is not null && c.Text("newText") is not null).ToList();
        if (content.Count > 0)
        {
            Diff = diffs.Count == 1 ? (diffs[0].Text("path")!, diffs[0].Text("oldText"), diffs[0].Text("newText")!) : null;
            Path = Diff?.Path ?? Path;
        }

        if (update.Member("rawOutput")?.AsText() is { Length: > 0 } output)
        {
            Output = output;
        }
        else if (string.Concat(content.Select(c => c.Object("content")?.Text("text"))) is { Length: > 0 } text)
        {
            Output = text;
        }

        if (update.Object("rawOutput") is { } structured && (structured.Member("exitCode")
            ?? structured.Member("exit_code")) is { ValueKind: JsonValueKind.Number } code && code.TryGetInt32(out var number))
        {
            ExitCode = number;
        }
    }

    private static ToolKind ToKind(string kind) => kind switch
    {
        "read" => ToolKind.Read,
        "edit" or "delete" or "move" => ToolKind.Edit,
        "search" => ToolKind.Search,
        "execute" => ToolKind.Execute,
        "think" => ToolKind.Think,
        "fetch" => ToolKind.Fetch,
        "switch_mode" => ToolKind.Plan,
        _ => ToolKind.Other,
    };
}

/// <summary>A file as it was when a change to it was shown.</summary>
internal sealed record AcpChange(FileChange Change, string RawPath, string WorkingDirectory, string DigestBefore)
{
    /// <summary>Null when the change can't be shown whole: then everything the agent told is asked as it is.</summary>
    /// <remarks>Some agents give whole files, others only the piece that is replaced.</remarks>
    public static AcpChange? Predict((string Path, string? Old, string New) diff, string workingDirectory)
    {
        if (ConfinedPath.Resolve(workingDirectory, diff.Path) is not { } path || TextFile.Read(path) is not { } before)
        {
            return null;
        }

        string? after = null;
        if (string.IsNullOrEmpty(diff.Old))
        {
            after = string.IsNullOrEmpty(before.Text) || diff.Old is null ? diff.New : null;
        }
        else if (before.Text == diff.Old)
        {
            after = diff.New;
        }
        else if (before.Text?.IndexOf(diff.Old, StringComparison.Ordinal) is >= 0 and { } first
            && before.Text.IndexOf(diff.Old, first + 1, StringComparison.Ordinal) < 0)
        {
            after = $"{before.Text[..first]}{diff.New}{before.Text[(first + diff.Old.Length)..]}";
        }

        return after is null ? null : new AcpChange(new FileChange(path, before.Text, after), diff.Path, workingDirectory, before.Digest);
    }

    /// <summary>Whether path and file are what they were when the human was asked.</summary>
    public bool IsStillTrue()
        => ConfinedPath.Resolve(WorkingDirectory, RawPath) == Change.Path && TextFile.Read(Change.Path)?.Digest == DigestBefore;
}
