using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Acp.Gemini;

/// <summary>
/// Keeps Gemini CLI (0.61.0) from losing conversations. It names the file of a conversation by minute and the first eight characters of its
/// id (<c>tmp/&lt;project&gt;/chats/session-2026-11-22T16-40-1a2b3c4d.jsonl</c>), and when it resumes one, it first begins an empty
/// conversation of that id. In the minute the conversation began in that is the same file, whose messages are gone then. Later it is a
/// second file without a message, and whichever Gemini starts next in the project, or that very one, deletes all files whose names end like
/// that. So before a conversation is resumed its file gets a name that Gemini gives to none; it looks into all files for the id. Empty ones
/// are removed.
/// </summary>
internal static class GeminiConversationFiles
{
    /// <summary>Projects looked at; Gemini keeps a folder for each.</summary>
    private const int MostProjects = 10_000;

    /// <summary>
    /// One without a message holds two lines: what it is, and the context that Gemini tells the model (names of files in the project).
    /// </summary>
    private const int EmptyBytes = 1024 * 1024;

    private const int FirstLineBytes = 16 * 1024;

    /// <summary>
    /// Removes the conversation's empty files, and gives the one with its messages a name of its own. To be called while nobody writes it.
    /// </summary>
    /// <param name="home">The folder that holds Gemini's own (<c>.gemini</c>); what lies in that may be the agent's work, so no link is
    /// followed.</param>
    /// <returns>False: Gemini kept nothing of it. What a first prompt that failed or was stopped said, it takes back itself.</returns>
    /// <exception cref="AgentException">It can't be done, and resuming would lose the conversation.</exception>
    public static bool Keep(string home, string conversation)
    {
        try
        {
            var (found, empty) = (0, 0);
            foreach (var file in FilesOf(home, conversation))
            {
                var kept = Path.Combine(Path.GetDirectoryName(file)!, KeptName(conversation));
                found++;
                if (IsEmpty(file))
                {
                    File.Delete(file);
                    empty++;
                }
                else if (!Path.Exists(kept))
                {
                    File.Move(file, kept);
                }
            }

            return found == 0 || empty < found; // of one without a file Gemini itself says that it is gone
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(
                AgentError.FailedToStart, $"Gemini CLI's file of this conversation can't be kept from being overwritten: {e.Message}", e);
        }
    }

    /// <summary>Removes the empty file that resuming left. What can't be removed is, before it resumes again.</summary>
    public static void RemoveEmpty(string home, string conversation)
    {
        try
        {
            FilesOf(home, conversation).Where(IsEmpty).ToList().ForEach(File.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // see above
        }
    }

    private static List<string> FilesOf(string home, string conversation)
    {
        if (!Guid.TryParseExact(conversation, "D", out _) || ConfinedPath.Resolve("/", home) is not { } real)
        {
            return []; // not one of Gemini's
        }

        var projects = Path.Combine(real, ".gemini", "tmp");
        return !IsFolder(Path.GetDirectoryName(projects)!) || !IsFolder(projects)
            ? []
            : [.. Directory.EnumerateDirectories(projects).Take(MostProjects).Where(IsFolder).Select(p => Path.Combine(p, "chats"))
                .Where(IsFolder)
                .SelectMany(c => Directory.EnumerateFiles(c, $"session-*-{conversation[..8]}.jsonl").Order(StringComparer.Ordinal))
                .Where(f => Holds(f, conversation))];
    }

    private static bool IsFolder(string path) => new DirectoryInfo(path) is { Exists: true, LinkTarget: null };

    /// <summary>Ends otherwise than any name of Gemini's: the last part of a UUID has twelve characters.</summary>
    private static string KeptName(string conversation) => $"session-kept-{conversation}.jsonl";

    /// <summary>Whether the file is of that conversation: eight characters of an id may be another's.</summary>
    private static bool Holds(string file, string conversation)
    {
        using var handle = PlainFile.OpenRead(file, out _);
        if (handle is null)
        {
            return false;
        }

        var buffer = new byte[FirstLineBytes];
        var length = RandomAccess.Read(handle, buffer, 0);
        var end = buffer.AsSpan(0, length).IndexOf((byte)'\n');
        using var first = LineJson.TryParse(buffer.AsMemory(0, end < 0 ? length : end));
        return first is not null && first.RootElement.ValueKind == JsonValueKind.Object
            && first.RootElement.Text("sessionId") == conversation;
    }

    /// <summary>
    /// Whether it holds no message (any more). Each has an id on the first level of its line; later lines may take messages back. What is
    /// long, or not understood, is not empty.
    /// </summary>
    private static bool IsEmpty(string file)
    {
        using var handle = PlainFile.OpenRead(file, out _);
        if (handle is null || RandomAccess.GetLength(handle) > EmptyBytes)
        {
            return false;
        }

        var buffer = new byte[EmptyBytes];
        var length = RandomAccess.Read(handle, buffer, 0);
        var messages = new List<string>();
        for (var at = 0; at < length;)
        {
            var end = Array.IndexOf(buffer, (byte)'\n', at, length - at) is var found and >= 0 ? found : length;
            using var record = LineJson.TryParse(buffer.AsMemory(at, end - at));
            at = end + 1;
            if (record is null || record.RootElement.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            Take(record.RootElement, messages);
        }

        return messages.Count == 0;
    }

    /// <summary>One line, as Gemini reads it.</summary>
    private static void Take(JsonElement record, List<string> messages)
    {
        if (record.Text("$rewindTo") is { } back)
        {
            var from = messages.IndexOf(back);
            messages.RemoveRange(Math.Max(from, 0), messages.Count - Math.Max(from, 0));
        }
        else if (record.Text("id") is { } id)
        {
            messages.Add(id);
        }
        else if (record.Object("$set") is { } set && set.Member("messages") is { ValueKind: JsonValueKind.Array })
        {
            messages.Clear();
            messages.AddRange(set.Items("messages").Where(m => !IsContext(m)).Select(m => m.Text("id") ?? ""));
        }
    }

    /// <summary>What Gemini itself tells the model before anybody said a word.</summary>
    private static bool IsContext(JsonElement message)
        => (message.Text("content") ?? message.Items("content").FirstOrDefault().Text("text"))?.TrimStart()
            .StartsWith("<session_context>", StringComparison.Ordinal) == true;
}
