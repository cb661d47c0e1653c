using System.Security.Cryptography;
using PocketCoder.Agents;
using PocketCoder.Agents.Stub;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Executions;

/// <summary>What an agent gives to the person: files, and questions.</summary>
public sealed class SendFileTests
{
    [Fact]
    public async Task A_file_of_the_project_arrives_as_it_was_and_can_be_read_by_range()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var bytes = RandomNumberGenerator.GetBytes(3_000_000);
        bytes[0] = 0;
        Directory.CreateDirectory(phone.PathOf("out"));
        await File.WriteAllBytesAsync(phone.PathOf("out/shot.png"), bytes);
        File.CreateSymbolicLink(phone.PathOf("latest"), "out/shot.png"); // a link that stays inside
        var session = await phone.StartAsync("""tool: send_file {"path":"latest","caption":"look"}""", SandboxKind.Bubblewrap);
        var sent = await phone.Device.NextEventAsync<SentFileEvent>();
        await phone.DoneAsync();
        Assert.Equal(("latest", 3_000_000L, "look", Convert.ToHexStringLower(SHA256.HashData(bytes))),
            (sent.Name, sent.Bytes, sent.Caption, sent.Sha256));

        await File.WriteAllTextAsync(phone.PathOf("out/shot.png"), "changed later");
        var copy = new List<byte>();
        while (copy.Count < sent.Bytes)
        {
            var part = await ReadAsync(phone, session, sent.FileId, copy.Count);
            Assert.Equal(3_000_000, part.Bytes);
            copy.AddRange(Convert.FromBase64String(part.Data));
        }

        Assert.Equal(bytes, copy);
        var missing = await Assert.ThrowsAsync<WireErrorException>(() => ReadAsync(phone, Guid.CreateVersion7(), sent.FileId, 0));
        Assert.Equal(ErrorCode.FileNotFound, missing.Error.Code);
    }

    [Theory]
    [InlineData("../outside.txt")]
    [InlineData("/etc/passwd")]
    [InlineData("escape/passwd")]
    [InlineData("link")]
    [InlineData("pipe")]
    [InlineData(".")]
    [InlineData("missing.txt")]
    [InlineData("loop")]
    public async Task Nothing_outside_of_the_project_and_nothing_but_files_is_sent(string path)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(phone.Project.Path)!, "outside.txt"), "x");
        File.CreateSymbolicLink(phone.PathOf("escape"), "/etc");
        File.CreateSymbolicLink(phone.PathOf("link"), "/etc/hostname");
        File.CreateSymbolicLink(phone.PathOf("loop"), "loop");
        await phone.StartAsync($"run: mkfifo pipe\ntool: send_file {{\"path\":\"{path}\"}}", SandboxKind.Bubblewrap);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.Device.NextEventAsync<ToolResultEvent>(r => r.ExitCode == 0);
        var refused = await phone.Device.NextEventAsync<ToolResultEvent>();
        Assert.True(refused.Failed);
        Assert.Equal("There is no such file inside the project.", refused.Output);
    }

    [Theory]
    [InlineData(".env", "A=1")]
    [InlineData("deploy.pem", "x")]
    [InlineData("notes.txt", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbg")]
    [InlineData("config.yml", "token: ghp_0123456789abcdefghijklmnopqrstuvwxyz")]
    public async Task What_looks_like_a_secret_is_asked_about_first_and_must_still_be_the_same(string name, string content)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf(name), content);
        var session = await phone.StartAsync($"tool: send_file {{\"path\":\"{name}\"}}", SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.Equal("send_file", Assert.IsType<ToolSubject>(asked.Subject).Tool);
        Assert.Null(asked.Reach);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();

        await phone.PromptAsync(session, $"tool: send_file {{\"path\":\"{name}\"}}");
        var again = await phone.AskedAsync();
        await File.AppendAllTextAsync(phone.PathOf(name), "more");
        await phone.Device.DecideAsync(again, DecisionVerdict.Allow);
        Assert.Contains("changed after it was shown", (await phone.Device.NextEventAsync<ToolResultEvent>()).Output,
            StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.Equal(["approval_requested", "approval_decided", "alarm_raised", "execution_refused"],
            await phone.LedgerAsync(again.ApprovalId));

        await phone.PromptAsync(session, $"tool: send_file {{\"path\":\"{name}\"}}");
        var third = await phone.AskedAsync();
        await phone.Device.DecideAsync(third, DecisionVerdict.Allow);
        Assert.Equal(name, (await phone.Device.NextEventAsync<SentFileEvent>()).Name);
        await phone.DoneAsync();
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await phone.LedgerAsync(third.ApprovalId));
    }

    [Fact]
    public async Task An_agent_without_questions_of_its_own_asks_with_ours()
    {
        await using var daemon = await TestDaemon.StartAsync(drivers: [new Quiet()]);
        var folder = Directory.CreateTempSubdirectory("pc-ask-");
        try
        {
            await daemon.Daemon.AsOwner().AddProjectAsync(folder.FullName, "p", CancellationToken.None);
            await using var phone = await daemon.PhoneAsync();
            await phone.StartAsync("""tool: ask {"question":"Which one?","options":["left","right"]}""", SandboxKind.Bubblewrap);
            var asked = await phone.AskedAsync();
            var question = Assert.Single(Assert.IsType<QuestionSubject>(asked.Subject).Questions);
            Assert.Equal(["left", "right"], question.Options.Select(o => o.Label));
            await phone.Device.DecideAsync(asked, DecisionVerdict.Allow, answers: """{"Which one?":"right"}""");
            Assert.Equal("right", (await phone.Device.NextEventAsync<ToolResultEvent>()).Output);
            Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_tool_that_was_not_offered_is_refused()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("""tool: ask {"question":"Which one?"}""", SandboxKind.Bubblewrap); // this agent has questions of its own
        Assert.Equal("There is no such tool.", (await phone.Device.NextEventAsync<ToolResultEvent>(r => r.Failed)).Output);
    }

    [Fact]
    public void No_input_of_a_tool_makes_its_reader_throw_or_take_what_it_does_not_know()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] names = ["command", "cwd", "stdin", "timeout", "run_in_background", "description", "job", "since", "wait", "text", "close",
            "path", "caption", "question", "options", "multiple", "x", ""];
        string[] values = ["1", "-1", "1e400", "null", "true", "\"a\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "[\"a\",1]", "{}", "\"", "[[",
            "99999999999999999999"];
        for (var i = 0; i < 20_000; i++)
        {
            var members = Enumerable.Range(0, random.Next(4))
                .Select(_ => $"\"{names[random.Next(names.Length)]}\":{values[random.Next(values.Length)]}");
            var json = random.Next(20) == 0 ? values[random.Next(values.Length)] : $"{{{string.Join(',', members)}}}";
            Check(json, BashTool.Parse(json, out var bash), bash);
            Check(json, JobTools.ParseOutput(json, out var output), output);
            Check(json, JobTools.ParseInput(json, out var input), input);
            Check(json, JobTools.ParseKill(json, out var kill), kill);
            Check(json, SendFileTool.Parse(json, out var send), send);
            Check(json, AskTool.Parse(json, out var ask), ask);
        }

        static void Check(string json, object? read, string refusal)
        {
            Assert.Equal(read is null, refusal.Length > 0);
            Assert.False(read is not null && (json.Contains("\"x\"", StringComparison.Ordinal)
                || json.Contains("\"\":", StringComparison.Ordinal) || json.Contains("u0000", StringComparison.Ordinal)), json);
        }
    }

    private static Task<SentFileResponse> ReadAsync(Phone phone, Guid session, Guid file, long offset) => phone.Device.AskAsync(
        MessageTypes.SentFile, new SentFileRequest(session, file, offset, 1_000_000), ProtocolJson.Default.SentFileRequest,
        ProtocolJson.Default.SentFileResponse);

    /// <summary>The stub, saying that it has no questions.</summary>
    private sealed class Quiet : IAgentDriver
    {
        private readonly StubDriver _stub = new(TimeProvider.System);

        public AgentDescription Description => _stub.Description with { Questions = false };

        public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => _stub.ProbeAsync(cancellationToken);

        public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
            => _stub.StartAsync(start, cancellationToken);
    }
}
