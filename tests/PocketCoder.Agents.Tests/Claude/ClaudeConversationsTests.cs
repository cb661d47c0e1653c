using System.Globalization;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Claude;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The list of what lies in Claude Code's folder: whatever anybody wrote there.</summary>
public sealed class ClaudeConversationsTests : IDisposable
{
    private const string Project = "/home/somebody/my.project";

    private readonly DirectoryInfo _config = Directory.CreateTempSubdirectory("pc-conv-");
    private DateTime _clock = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public void Dispose() => _config.Delete(recursive: true);

    [Fact]
    public void A_conversation_is_called_as_the_person_or_the_model_named_it_or_else_by_its_first_prompt()
    {
        var plain = Write(Project, User("fix the login\nand the tests"), Agent("done"));
        var made = Write(Project, User("x"), """{"type":"ai-title","aiTitle":"Login repaired"}""");
        var given = Write(Project, User("x"), """{"type":"custom-title","customTitle":"mine"}""",
            """{"type":"ai-title","aiTitle":"not this"}""");
        var summary = Write(Project, """{"type":"summary","summary":"Summed up","leafUuid":"a"}""", User("x"));
        var only = Write(Project, """{"type":"mode","mode":"normal","cwd":"/home/somebody/my.project"}""",
            """{"type":"last-prompt","lastPrompt":"what was said last"}""");

        Assert.Equal(
            [(only, "what was said last"), (summary, "Summed up"), (given, "mine"), (made, "Login repaired"), (plain, "fix the login …")],
            List().Select(c => (c.Id, c.Title)));
        Assert.All(List(), c => Assert.Equal((Project, false), (c.Directory, c.Open)));
        Assert.Equal([only, summary], List(2).Select(c => c.Id));
    }

    [Fact]
    public void What_no_person_said_here_is_left_out()
    {
        Write(Project,
            """{"type":"user","isMeta":true,"cwd":"/home/somebody/my.project","message":{"role":"user","content":"Caveat: x"}}""");
        Write(Project, User("<command-name>/clear</command-name>"));
        Write(Project, User("a sub-agent", """,  "isSidechain":true"""));
        Write("/home/somebody/my-project", User("a folder whose name looks the same", cwd: "/home/somebody/my-project"));
        Write("/home/somebody/my.project-two", User("a neighbour", cwd: "/home/somebody/my.project-two"));
        var beneath = Write("/home/somebody/my.project/sub", User("beneath", cwd: "/home/somebody/my.project/sub"));
        File.WriteAllText(Path.Combine(Folder(Project), "notes.jsonl"), User("no id"));
        Assert.Equal([beneath], List().Select(c => c.Id));
    }

    [Fact]
    public void Links_and_pipes_are_not_followed()
    {
        var outside = Directory.CreateTempSubdirectory("pc-conv-out-");
        try
        {
            var secret = Path.Combine(outside.FullName, $"{Guid.CreateVersion7()}.jsonl");
            File.WriteAllText(secret, User("somebody else's"));
            File.CreateSymbolicLink(Path.Combine(Folder(Project), $"{Guid.CreateVersion7()}.jsonl"), secret);
            Directory.CreateSymbolicLink(Path.Combine(_config.FullName, "projects", Encoded(Project) + "-linked"), outside.FullName);
            Assert.Empty(List());
            Assert.Empty(new ClaudeConversations(_config.FullName).Read(Path.GetFileNameWithoutExtension(secret), Project));
        }
        finally
        {
            outside.Delete(recursive: true);
        }
    }

    [Fact]
    public void Of_a_huge_transcript_the_beginning_and_the_end_are_enough_and_a_prompt_without_end_does_no_harm()
    {
        var huge = Write(Project, [User("the beginning"), .. Enumerable.Range(0, 3000).Select(
            i => Agent(new string('x', 400) + i.ToString(CultureInfo.InvariantCulture))), """{"type":"ai-title","aiTitle":"the end"}"""]);
        var endless = Write(Project, User(new string('y', 2 << 20)),
            """{"type":"last-prompt","cwd":"/home/somebody/my.project","lastPrompt":"found at the end"}""");
        Assert.Equal([(endless, "found at the end"), (huge, "the end")], List().Select(c => (c.Id, c.Title)));

        var said = new ClaudeConversations(_config.FullName).Read(huge, Project);
        Assert.Equal(AgentConversationPart.Most, said.Count);
        Assert.EndsWith("2999", said[^1].Text, StringComparison.Ordinal);
        Assert.InRange(Assert.Single(new ClaudeConversations(_config.FullName).Read(endless, Project)).Text.Length, 60 * 1024,
            AgentConversationPart.LongestText);
    }

    [Fact]
    public void What_was_said_is_told_with_tools_as_one_line_and_without_thoughts_results_and_machinery()
    {
        var id = Write(
            Project,
            User("<local-command-stdout>x</local-command-stdout>"),
            User("look"),
            """{"type":"assistant","timestamp":"2026-02-03T04:05:06.000Z","message":{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"I look"},{"type":"tool_use","name":"Bash","input":{"command":"ls\nrm"}}]}}""",
            """{"type":"user","message":{"role":"user","content":[{"type":"tool_result","content":"file"}]}}""",
            "no json at all",
            Agent("there it is"));
        Assert.Equal(
            [(AgentConversationSpeaker.Person, "look"), (AgentConversationSpeaker.Agent, "I look"),
                (AgentConversationSpeaker.Tool, "Bash: ls …"), (AgentConversationSpeaker.Agent, "there it is")],
            new ClaudeConversations(_config.FullName).Read(id, Project).Select(p => (p.Who, p.Text)));
    }

    [Fact]
    public void Whatever_stands_in_a_transcript_reading_it_ends_and_gives_one_line_titles()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] lines =
        [
            User("fix"), Agent("ok"), """{"type":"summary","summary":"s"}""", """{"type":"custom-title","customTitle":"c"}""",
            """{"type":"assistant","timestamp":"2026-02-03T04:05:06.000Z","message":{"role":"assistant","content":[{"type":"tool_use","name":"Bash","input":{"command":"ls"}}]}}""",
        ];
        for (var round = 0; round < 150; round++)
        {
            var file = Path.Combine(Folder(Project), $"{Guid.CreateVersion7()}.jsonl");
            using (var stream = File.Create(file))
            {
                for (var i = 0; i < 12; i++)
                {
                    stream.Write(Noise.Mutate(lines[random.Next(lines.Length)], random));
                    stream.WriteByte((byte)'\n');
                }
            }

            foreach (var found in List(5))
            {
                Assert.DoesNotContain('\n', found.Title);
                Assert.StartsWith(Project, found.Directory, StringComparison.Ordinal);
                Assert.True(new ClaudeConversations(_config.FullName).Read(found.Id, Project)
                    .Sum(p => p.Text.Length) <= AgentConversationPart.MostCharacters);
            }

            File.Delete(file);
        }
    }

    private static string User(string text, string more = "", string cwd = Project)
        => $$$"""{"type":"user","cwd":{{{JsonSerializer.Serialize(cwd)}}}{{{more}}},"message":{"role":"user","content":{{{JsonSerializer.Serialize(text)}}}}}""";

    private static string Agent(string text)
        => $$$"""{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":{{{JsonSerializer.Serialize(text)}}}}]}}""";

    private static string Encoded(string directory) => string.Concat(directory.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-'));

    private IReadOnlyList<AgentConversation> List(int most = 50)
        => new ClaudeConversations(_config.FullName).List(Project, most, CancellationToken.None);

    private string Folder(string directory)
        => Directory.CreateDirectory(Path.Combine(_config.FullName, "projects", Encoded(directory))).FullName;

    private string Write(string directory, params string[] lines)
    {
        var id = Guid.CreateVersion7().ToString();
        var file = Path.Combine(Folder(directory), $"{id}.jsonl");
        File.WriteAllText(file, string.Join('\n', lines) + "\n", new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        File.SetLastWriteTimeUtc(file, _clock = _clock.AddMinutes(1));
        return id;
    }
}
