using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Stub;
using PocketCoder.Machine.Projects.Findings;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Projects;

/// <summary>
/// What of a repository would run by itself or steer an agent is found and said, with nothing of the repository's own words, whatever its
/// files hold.
/// </summary>
public sealed class RepositoryScanTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pc-look-");

    public static TheoryData<string> Known => [.. KnownSettings.OfAgents.Concat(KnownSettings.OfOthers).Select(k => k.Path)];

    /// <summary>Every agent that there is, one of which nothing is known, with and without a sandbox.</summary>
    public static TheoryData<string, bool> Agents
    {
        get
        {
            var cells = new TheoryData<string, bool>();
            foreach (var driver in Drivers())
            {
                cells.Add(driver.Description.Id, false);
                if (driver.Description.HostTools)
                {
                    cells.Add(driver.Description.Id, true);
                }
            }

            return cells;
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Known))]
    public void Each_known_setting_is_found_as_a_file_a_folder_or_a_link_here_and_above_in_the_repository(string path)
    {
        Assert.True(RepositoryScan.At(_folder.FullName).IsNothing);
        var full = Path.Combine(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, "{ not json");
        Assert.Equal(path, Single(_folder.FullName));
        File.Delete(full);
        Directory.CreateDirectory(full);
        Assert.True(RepositoryScan.At(_folder.FullName).IsNothing); // an empty folder is nothing
        File.WriteAllText(Path.Combine(full, "evil\u001b[2J\u202e.js"), "");
        Assert.Equal($"{path}/ (1)", Single(_folder.FullName));
        Directory.Delete(full, recursive: true);
        File.CreateSymbolicLink(full, "/dev/zero");
        Assert.Equal($"{path} (a link)", Single(_folder.FullName));

        var below = _folder.CreateSubdirectory("a/b").FullName;
        Assert.True(RepositoryScan.At(below).IsNothing); // no repository: nothing above belongs to it
        var inProject = RepositoryScan.At(below, _folder.FullName); // but what the project has does
        Assert.Equal($"../../{path} (a link)", Assert.Single(inProject.ForAgents.Concat(inProject.ForOthers)));
        _folder.CreateSubdirectory(".git");
        Assert.Equal($"../../{path} (a link)", Single(below));

        static string Single(string directory)
            => RepositoryScan.At(directory) is var found ? Assert.Single(found.ForAgents.Concat(found.ForOthers)) : "";
    }

    [Fact]
    public void What_settings_would_do_is_named_from_our_own_words_and_counted()
    {
        Put(".claude/settings.json",
            """{"hooks":{"PreToolUse":[],"Stop":[]},"apiKeyHelper":"sh","permissions":{"allow":["Bash"]},"evil\u001b":1} // """);
        Put(".mcp.json", """{"mcpServers":{"a":{},"b":{},"<script>":{}}}""");
        Put("opencode.json", """{"plugin":["x"],"mcp":{"e":{}}}""");
        Put(".git/config",
            "[core]\n\tfsmonitor = ./x\n[Filter \"lfs\"]\n\tSMUDGE = y\n[alias]\n\tco = checkout\n\tst = !sh\n[diff.old]\n\ttextconv=z\n[core] hooksPath = h\n[remote \"origin\"]\n\turl = x\n");
        Put(".git/hooks/pre-commit", "");
        Put(".git/hooks/pre-push.sample", "");
        var found = RepositoryScan.At(_folder.FullName);
        Assert.Equal(
            [".claude/settings.json (2 × hooks, a program for keys, permissions)", ".mcp.json (3 × MCP servers)",
                "opencode.json (plugins, MCP servers)"],
            found.ForAgents);
        Assert.Equal([".git/hooks (1)", ".git/config (core.fsmonitor, filter.smudge, alias of a program, diff.textconv, core.hookspath)"],
            found.ForOthers);
    }

    [Fact]
    public void Hostile_sizes_pipes_and_depths_neither_hang_nor_fill_anything_and_are_said_all_the_same()
    {
        Put(".mcp.json", "");
        using (var huge = File.OpenWrite(Path.Combine(_folder.FullName, ".mcp.json")))
        {
            huge.SetLength(1L << 40); // sparse
        }

        Put(".claude/settings.json", new string('[', 200_000));
        Put(".gemini/settings.json", """{"mcpServers":"\ud800"}""");
        for (var i = 0; i < 300; i++)
        {
            Put($".claude/skills/{i}/SKILL.md", "");
        }

        Directory.CreateDirectory(Path.Combine(_folder.FullName, ".git/hooks"));
        Directory.CreateSymbolicLink(Path.Combine(_folder.FullName, ".git/config"), "/dev/zero");
        var found = RepositoryScan.At(_folder.FullName);
        Assert.Equal([".claude/settings.json", ".claude/skills/ (64 or more)", ".mcp.json", ".gemini/settings.json (MCP servers)"],
            found.ForAgents);
        Assert.Empty(found.ForOthers);
        Assert.InRange(RepositoryNoteText.Of(new RepositoryFound([.. KnownSettings.OfAgents.Select(k => k.Path)],
            [.. KnownSettings.OfOthers.Select(k => k.Path)]), new StubDriver(TimeProvider.System).Description, true).Length, 100, 2000);
    }

    [Theory]
    [MemberData(nameof(Agents))]
    public void The_line_says_of_each_agent_whether_it_leaves_it_off(string agent, bool sandboxed)
    {
        var description = Drivers().Single(d => d.Description.Id == agent).Description;
        var words = RepositoryNoteText.Of(new RepositoryFound([".mcp.json"], [".git/hooks (1)"]), description, sandboxed);
        var off = agent is "claude" or "codex" or "opencode" or "stub" or "claude-agent-acp" || (agent == "gemini" && sandboxed);
        Assert.Equal(off, words.Contains("ignored", StringComparison.Ordinal));
        Assert.Equal(!off, words.Contains("can't stop", StringComparison.Ordinal));
        Assert.Contains(".git/hooks (1)", words, StringComparison.Ordinal);
        Assert.Equal("", RepositoryNoteText.Of(new RepositoryFound([], []), description, sandboxed));
    }

    [Fact]
    public async Task A_session_says_it_at_its_beginning_and_not_again_after_a_restart()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        Directory.CreateDirectory(phone.PathOf(".claude"));
        await File.WriteAllTextAsync(phone.PathOf(".mcp.json"), """{"mcpServers":{"evil":{}}}""");
        var session = await phone.StartAsync("hello");
        var note = await phone.Device.NextEventAsync<NoticeEvent>();
        Assert.Equal((NoticeLevel.Warning,
            "Found in this project and ignored, so that Demo agent neither runs nor follows it: .mcp.json (MCP servers)."),
            (note.Level, note.Text));
        await phone.DoneAsync();
        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await again.SubscribeAsync($"session/{session}");
        await again.NextEventAsync<DoneEvent>();
        await PromptAsync("once more");
        var since = new List<AgentEventPayload>();
        await again.NextEventAsync<AgentEventPayload>(e =>
        {
            since.Add(e);
            return e is DoneEvent;
        });
        // it was said
        Assert.DoesNotContain(since.OfType<NoticeEvent>(), n => n.Text.Contains("Found in this project", StringComparison.Ordinal));

        async Task PromptAsync(string text) => await again.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), text),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
    }

    private static IReadOnlyList<IAgentDriver> Drivers() =>
    [
        .. AgentDrivers.All(TimeProvider.System, "/nonexistent"), new StubDriver(TimeProvider.System),
            new AcpDriver(AcpAgent.ClaudeAgentAcp, TimeProvider.System),
        new AcpDriver(new AcpAgent("mine", "Mine", "mine", []), TimeProvider.System),
    ];

    private void Put(string path, string text)
    {
        var full = Path.Combine(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
