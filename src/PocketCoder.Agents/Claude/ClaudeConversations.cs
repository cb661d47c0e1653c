using System.Text.RegularExpressions;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Which conversations lie in Claude Code's folder, and what was said in them. Of each file only the beginning and the end are read, and no
/// link is followed: agents may have written there.
/// </summary>
internal sealed partial class ClaudeConversations(string configDirectory)
{
    private const int Piece = 256 * 1024;

    /// <summary>Of a transcript whose words are shown, so much of its end is read.</summary>
    private const int LongPiece = 16 * 1024 * 1024;

    /// <summary>Names are written again and again, so the newest is near the end.</summary>
    private const int NamePiece = 64 * 1024;

    private const int MostFolders = 1000;
    private const int MostFilesEach = 4; // for one that is listed: others are of sub-agents, or of folders whose names look alike

    /// <summary>Folder names of longer paths are cut and end in a hash.</summary>
    private const int LongestFolderName = 200;

    /// <inheritdoc cref="IAgentDriver.ListConversationsAsync"/>
    public IReadOnlyList<AgentConversation> List(string directory, int most, CancellationToken ct)
    {
        var found = new List<AgentConversation>();
        foreach (var file in Files(directory).OrderByDescending(f => f.LastWriteTimeUtc).Take(most * MostFilesEach))
        {
            ct.ThrowIfCancellationRequested();
            if (found.Count == most)
            {
                break;
            }

            if (Look(file) is { IsSidechain: false, Title: { } title, Directory: { } works } && ConfinedPath.IsInside(directory, works))
            {
                var id = Path.GetFileNameWithoutExtension(file.Name);
                found.Add(new AgentConversation(id, title, works, new DateTimeOffset(file.LastWriteTimeUtc),
                    ClaudeOpenSessions.FindHolder(configDirectory, id) is not null));
            }
        }

        return found;
    }

    /// <inheritdoc cref="IAgentDriver.ReadConversationAsync"/>
    public IReadOnlyList<AgentConversationPart> Read(string conversation, string directory)
    {
        if (Files(directory).FirstOrDefault(
            f => Path.GetFileNameWithoutExtension(f.Name).Equals(conversation, StringComparison.OrdinalIgnoreCase)) is not { } file)
        {
            return [];
        }

        var transcript = new ClaudeTranscript();
        try
        {
            Take(transcript, file, head: 0, tail: LongPiece);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }

        return transcript.Said.Parts;
    }

    /// <summary>
    /// What a conversation is called by now, as the end of its transcript says; null: nothing there says it. The program writes that when
    /// it has time.
    /// </summary>
    public string? NameOf(string conversation, string directory)
    {
        var path = Path.Combine(configDirectory, "projects", ClaudeSandbox.FolderName(directory), $"{conversation}.jsonl");
        return Id().IsMatch(conversation) && FileKind.IsRegular(path) ? Look(new FileInfo(path), head: 0, tail: NamePiece)?.Name : null;
    }

    private static ClaudeTranscript? Look(FileInfo file, int head = Piece, int tail = Piece)
    {
        var transcript = new ClaudeTranscript();
        try
        {
            Take(transcript, file, head, tail);
            return transcript;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // gone by now, or not ours to read
        }
    }

    /// <summary>Whole lines of the beginning and of the end only.</summary>
    private static void Take(ClaudeTranscript transcript, FileInfo file, int head, int tail)
    {
        using var stream = new FileStream(
            file.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var length = stream.Length;
        if (length <= head + tail)
        {
            Lines(Bytes(stream, (int)length), isWhole: true);
            return;
        }

        if (head > 0)
        {
            var start = Bytes(stream, head);
            Lines(start.AsMemory(0, Array.LastIndexOf(start, (byte)'\n') + 1), isWhole: true);
        }

        stream.Position = length - tail;
        Lines(Bytes(stream, tail), isWhole: false);

        void Lines(ReadOnlyMemory<byte> text, bool isWhole)
        {
            while (text.Length > 0)
            {
                var end = text.Span.IndexOf((byte)'\n');
                var line = end < 0 ? text : text[..end];
                if (isWhole)
                {
                    transcript.Take(line);
                }

                isWhole = true;
                text = end < 0 ? default : text[(end + 1)..];
            }
        }
    }

    private static byte[] Bytes(FileStream stream, int most)
    {
        var bytes = new byte[most];
        var read = stream.ReadAtLeast(bytes, most, throwOnEndOfStream: false);
        return read == most ? bytes : bytes[..read];
    }

    private List<FileInfo> Files(string directory)
    {
        var name = ClaudeSandbox.FolderName(directory);
        var own = new EnumerationOptions
        { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint, MatchType = MatchType.Simple };
        List<FileInfo> files = [];
        try
        {
            var all = new DirectoryInfo(Path.Combine(configDirectory, "projects"));
            var folders = all.Exists ? all.EnumerateDirectories("*", own).Where(f => IsOf(f.Name)).Take(MostFolders) : [];
            foreach (var folder in folders)
            {
                files.AddRange(folder.EnumerateFiles("*.jsonl", own)
                    .Where(f => Id().IsMatch(Path.GetFileNameWithoutExtension(f.Name)) && FileKind.IsRegular(f.FullName)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return files; // what was seen until then
        }

        return files;

        // Too many are no matter: the lines say where a conversation works.
        bool IsOf(string folder)
            => folder.StartsWith(name.Length > LongestFolderName ? name[..LongestFolderName] : name, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Id();
}
