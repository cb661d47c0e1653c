using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Which process has a conversation open. Every running Claude Code keeps <c>sessions/&lt;pid&gt;.json</c> in its folder and removes it at
/// its end; it takes no lock, and two writers on one conversation corrupt it.
/// </summary>
internal static class ClaudeOpenSessions
{
    private const int MaxFileBytes = 64 * 1024;

    /// <summary>A process that started later than this after the file says it did is another one with a reused pid.</summary>
    private static readonly TimeSpan s_tolerance = TimeSpan.FromSeconds(30);

    /// <summary>The pid that has the conversation open now, or null.</summary>
    public static int? FindHolder(string configDirectory, string conversationId)
    {
        try
        {
            return Directory.EnumerateFiles(Path.Combine(configDirectory, "sessions"), "*.json")
                .Select(file => Holder(file, conversationId)).FirstOrDefault(pid => pid is not null);
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>
    /// The pid of a Claude Code that a person runs in a terminal on a sandbox's folder, or null. Sandboxes leave notes in there too, and
    /// could leave false ones: only a process of this machine that has this very folder in its environment counts. For the time when the
    /// sandbox does not run.
    /// </summary>
    public static int? FindTerminal(string stateDirectory)
    {
        try
        {
            return new DirectoryInfo(Path.Combine(stateDirectory, "sessions")) is { Exists: true, LinkTarget: null } notes
                ? notes.EnumerateFiles("*.json")
                    .Select(note => int.TryParse(Path.GetFileNameWithoutExtension(note.Name), NumberStyles.None,
                        CultureInfo.InvariantCulture, out var pid) ? pid : 0)
                    .FirstOrDefault(pid => pid > 0 && Environment(pid).Contains(
                        $"\0CLAUDE_CONFIG_DIR={stateDirectory}\0", StringComparison.Ordinal)) is > 0 and var holder ? holder : null
                : null;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static string Environment(int pid)
    {
        try
        {
            return $"\0{File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/environ"))}\0";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // gone, or somebody else's
        }
    }

    private static int? Holder(string file, string conversationId)
    {
        if (!int.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            || ProcessGroup.StartedAt(pid) is not { } started)
        {
            return null;
        }

        try
        {
            if (new FileInfo(file).Length > MaxFileBytes)
            {
                return null;
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var root = document.RootElement;
            var says = root.Number("startedAt"); // milliseconds since 1970; 0 when it is not told
            var isSame = says is <= 0 or > 253402300799999 || started <= DateTimeOffset.FromUnixTimeMilliseconds(says) + s_tolerance;
            return isSame && string.Equals(root.Text("sessionId"), conversationId, StringComparison.OrdinalIgnoreCase) ? pid : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null; // being written or removed at this moment
        }
    }
}
