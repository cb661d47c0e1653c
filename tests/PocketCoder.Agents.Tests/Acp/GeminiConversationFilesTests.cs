using PocketCoder.Agents;
using PocketCoder.Agents.Acp.Gemini;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>Which files of a conversation are moved out of the way, and which are left alone.</summary>
public sealed class GeminiConversationFilesTests : IDisposable
{
    private const string Id = "1a2b3c4d-0000-4000-8000-000000000001";
    private const string Other = "1a2b3c4d-0000-4000-8000-000000000002"; // the same eight characters

    private const string Kept = $"session-kept-{Id}.jsonl";

    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("pocketcoder-gemini-files-");

    private string Chats => Directory.CreateDirectory(Path.Combine(_home.FullName, ".gemini", "tmp", "project", "chats")).FullName;

    public void Dispose() => _home.Delete(recursive: true);

    [Fact]
    public void Before_it_resumes_the_file_with_its_messages_gets_a_name_of_its_own_and_empty_ones_go()
    {
        Write("2026-11-22T16-40", Id, Message);
        Write("2026-11-22T16-39", Id, null);
        Write("2026-11-22T16-41", Id, null);
        for (var times = 0; times < 3; times++)
        {
            GeminiConversationFiles.Keep(_home.FullName, Id);
            Assert.Equal([Kept], Names());
            Assert.Contains(Message, File.ReadAllText(Path.Combine(Chats, Kept)), StringComparison.Ordinal);
            Write("2026-11-22T16-42", Id, null); // what resuming leaves
        }

        Write("2026-11-22T16-50", Id, Message); // two with messages: none is lost
        GeminiConversationFiles.Keep(_home.FullName, Id);
        Assert.Equal(["session-2026-11-22T16-50-1a2b3c4d.jsonl", Kept], Names());
    }

    [Fact]
    public void A_conversation_of_which_nothing_is_left_is_told_so_and_one_without_a_file_is_not()
    {
        Assert.True(GeminiConversationFiles.Keep(_home.FullName, Id));
        Write("2026-11-22T16-40", Id, Message + "\n" + """{"$rewindTo":"m1"}""");
        Assert.False(GeminiConversationFiles.Keep(_home.FullName, Id));
        Assert.Empty(Names());
        Write("2026-11-22T16-40", Id, Message + "\n" + """{"$set":{"messages":[]}}""");
        Assert.False(GeminiConversationFiles.Keep(_home.FullName, Id));
        Write("2026-11-22T16-40", Id,
            Message + "\n" + """{"$rewindTo":"m1"}""" + "\n" + Message.Replace("m1", "m2", StringComparison.Ordinal));
        Assert.True(GeminiConversationFiles.Keep(_home.FullName, Id));
        Assert.Equal([Kept], Names());
    }

    [Fact]
    public void After_it_resumed_only_empty_files_of_that_very_conversation_go()
    {
        Write("2026-11-22T16-40", Id, Message);
        Write("2026-11-22T16-41", Id, null);
        Write("2026-11-22T16-42", Other, null);
        GeminiConversationFiles.RemoveEmpty(_home.FullName, Id);
        Assert.Equal(["session-2026-11-22T16-40-1a2b3c4d.jsonl", "session-2026-11-22T16-42-1a2b3c4d.jsonl"], Names());
    }

    [Fact]
    public void Other_conversations_links_and_what_is_not_understood_stay()
    {
        Write("2026-11-22T16-40", Other, Message);
        File.WriteAllText(Path.Combine(Chats, "session-2026-11-22T16-41-1a2b3c4d.jsonl"), "not a word of JSON\n");
        var outside = Path.Combine(_home.FullName, "outside.jsonl");
        File.WriteAllText(outside, $$"""{"sessionId":"{{Id}}"}""");
        File.CreateSymbolicLink(Path.Combine(Chats, "session-2026-11-22T16-42-1a2b3c4d.jsonl"), outside);
        var before = Names();
        GeminiConversationFiles.Keep(_home.FullName, Id);
        GeminiConversationFiles.RemoveEmpty(_home.FullName, Id);
        Assert.Equal(before, Names());
        Assert.True(File.Exists(outside));

        File.WriteAllText(Path.Combine(Chats, "session-2026-11-22T16-43-1a2b3c4d.jsonl"),
            $$"""{"sessionId":"{{Id}}"}{{'\n'}}cut off{{'\n'}}""");
        GeminiConversationFiles.Keep(_home.FullName, Id);
        Assert.Contains(Kept, Names());
    }

    [Fact]
    public void A_folder_that_is_a_link_is_not_entered_and_an_id_that_is_none_does_nothing()
    {
        var real = Directory.CreateDirectory(Path.Combine(_home.FullName, "elsewhere", "chats")).FullName;
        var file = Path.Combine(real, "session-2026-11-22T16-40-1a2b3c4d.jsonl");
        File.WriteAllText(file, $$"""{"sessionId":"{{Id}}"}{{'\n'}}""");
        Directory.CreateDirectory(Path.Combine(_home.FullName, ".gemini", "tmp"));
        File.CreateSymbolicLink(Path.Combine(_home.FullName, ".gemini", "tmp", "project"), Path.Combine(_home.FullName, "elsewhere"));
        GeminiConversationFiles.Keep(_home.FullName, Id);
        GeminiConversationFiles.Keep(_home.FullName, "*");
        GeminiConversationFiles.Keep(Path.Combine(_home.FullName, "nowhere"), Id);
        Assert.True(File.Exists(file));
    }

    private const string Message = """{"id":"m1","timestamp":"2026-11-22T16:40:01.000Z","type":"user","content":[{"text":"hello"}]}""";

    private List<string> Names()
        => [.. Directory.EnumerateFileSystemEntries(Chats).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private string Write(string minute, string id, string? message, string project = "project")
    {
        var file = Path.Combine(Directory.CreateDirectory(Path.Combine(_home.FullName, ".gemini", "tmp", project, "chats")).FullName,
            $"session-{minute}-{id[..8]}.jsonl");
        File.WriteAllText(file, $$"""
            {"sessionId":"{{id}}","projectHash":"p","startTime":"2026-11-22T16:40:00.000Z","lastUpdated":"2026-11-22T16:40:00.000Z","kind":"main"}

            """ + """
            {"$set":{"messages":[{"id":"c","type":"user","content":[{"text":"<session_context>"}]}]}}

            """ + (message is null ? "" : $"{message}\n"));
        return file;
    }
}
