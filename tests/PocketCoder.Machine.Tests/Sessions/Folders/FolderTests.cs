using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Sessions;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions.Folders;

/// <summary>Sessions that work in a folder beneath their project's root.</summary>
public sealed class FolderTests
{
    private const string Folder = "packages/web";

    private static Task<AgentSessionNewResponse> NewAsync(
        Phone phone, string prompt, string? folder, SandboxKind? sandbox = null, Guid? session = null, Guid? promptId = null)
        => phone.Device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(
                session ?? Guid.CreateVersion7(), promptId ?? Guid.CreateVersion7(), phone.Project.ProjectId, "stub", prompt,
                Sandbox: sandbox, Folder: folder),
            ProtocolJson.Default.AgentSessionNewRequest, ProtocolJson.Default.AgentSessionNewResponse);

    private static async Task<Guid> StartAsync(Phone phone, string prompt, string? folder, SandboxKind? sandbox = null)
    {
        var made = await NewAsync(phone, prompt, folder, sandbox);
        Assert.Equal(folder, made.Session.Folder);
        await phone.Device.SubscribeAsync($"session/{made.AgentSessionId}");
        return made.AgentSessionId;
    }

    private static async Task<Phone> PhoneAsync(TestDaemon daemon)
    {
        var phone = await daemon.PhoneAsync();
        Directory.CreateDirectory(phone.PathOf(Folder));
        return phone;
    }

    private static async Task<IReadOnlyList<JsonElement>> RowsAsync(Phone phone, Guid session)
        => [.. (await phone.Device.AskAsync(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 200, AgentSessionId: session), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse)).Rows.Select(r => JsonDocument.Parse(r.Body).RootElement)];

    [Fact]
    public async Task The_agent_and_its_commands_begin_there_and_everybody_is_told()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        var session = await StartAsync(phone, "run: pwd", Folder);
        var asked = await phone.AskedAsync();
        Assert.Equal(phone.PathOf(Folder), ((CommandSubject)asked.Subject).Cwd);
        Assert.Equal(phone.PathOf(Folder), asked.Covers!["directory"]);
        Assert.Equal(phone.PathOf(Folder), asked.Covers["cwd"]);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Equal(phone.PathOf(Folder), (await phone.Device.NextEventAsync<ToolResultEvent>()).Output.Trim());
        await phone.DoneAsync();

        Assert.Equal(Folder, (await phone.GetAsync(session)).Session.Folder);
        Assert.Equal(Folder, Assert.Single(await daemon.Daemon.AsOwner().ListSessionsAsync(CancellationToken.None)).Folder);
        var begun = (await RowsAsync(phone, session)).Single(r => r.GetProperty("kind").GetString() == "session_started");
        Assert.Equal(Folder, begun.GetProperty("data").GetProperty("folder").GetString());
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_file_of_the_project_beside_the_folder_can_be_written_and_one_outside_of_the_project_not()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        var session = await StartAsync(phone, "write: ../beside.txt | beside", Folder);
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.Equal("beside", await File.ReadAllTextAsync(phone.PathOf("packages/beside.txt")));

        await phone.PromptAsync(session, "write: here.txt | here");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.Equal("here", await File.ReadAllTextAsync(phone.PathOf($"{Folder}/here.txt")));

        await phone.PromptAsync(session, "write: ../../../out.txt | out");
        Assert.Contains("outside the project", (await phone.Device.NextEventAsync<ToolResultEvent>(r => r.Failed)).Output,
            StringComparison.Ordinal);
        await phone.DoneAsync();
    }

    [Fact]
    public async Task A_session_without_one_begins_at_the_root_and_says_nothing_of_a_folder()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        var session = await StartAsync(phone, "run: pwd", null);
        var asked = await phone.AskedAsync();
        Assert.Equal(phone.Project.Path, asked.Covers!["directory"]);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();
        var begun = (await RowsAsync(phone, session)).Single(r => r.GetProperty("kind").GetString() == "session_started");
        Assert.False(begun.GetProperty("data").TryGetProperty("folder", out _));
        Assert.Null((await NewAsync(phone, "hello", "")).Session.Folder);
    }

    [Theory]
    [InlineData("nothing", ErrorCode.FileNotFound)]
    [InlineData("../elsewhere", ErrorCode.OutsideProjectRoot)]
    [InlineData("/etc", ErrorCode.OutsideProjectRoot)]
    [InlineData("packages/", ErrorCode.InvalidRequest)]
    [InlineData(".git", ErrorCode.PermissionDenied)]
    [InlineData("out", ErrorCode.OutsideProjectRoot)]
    public async Task What_is_no_folder_beneath_the_root_begins_no_session(string folder, ErrorCode code)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        Directory.CreateDirectory(phone.PathOf(".git"));
        File.CreateSymbolicLink(phone.PathOf("out"), "/tmp");
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => NewAsync(phone, "run: touch begun", folder));
        Assert.Equal(code, refused.Error.Code);
        Assert.Empty(await daemon.Daemon.AsOwner().ListSessionsAsync(CancellationToken.None));
        Assert.False(File.Exists(phone.PathOf("begun")));
    }

    [Fact]
    public async Task The_same_ids_again_are_the_same_session_and_with_another_folder_a_conflict()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        var (session, prompt) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await NewAsync(phone, "hello", Folder, session: session, promptId: prompt);
        Directory.Delete(phone.PathOf(Folder)); // what was begun is told, whatever became of its folder
        Assert.Equal(Folder, (await NewAsync(phone, "hello", Folder, session: session, promptId: prompt)).Session.Folder);
        foreach (var other in (string?[])[null, "packages"])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(
                () => NewAsync(phone, "hello", other, session: session, promptId: prompt));
            Assert.Equal(ErrorCode.Conflict, refused.Error.Code);
        }
    }

    [Fact]
    public async Task A_folder_that_became_a_link_starts_nothing_and_says_why()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        var elsewhere = Directory.CreateTempSubdirectory("pc-elsewhere-").FullName;
        var session = await StartAsync(phone, "hello", Folder);
        await phone.DoneAsync();
        await daemon.RestartAsync(); // its agent is gone
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        Directory.Delete(phone.PathOf(Folder));
        File.CreateSymbolicLink(phone.PathOf(Folder), elsewhere);

        await again.SubscribeAsync($"session/{session}");
        await again.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "run: touch begun"),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        var failed = await again.NextEventAsync<TurnEvent>(e => e.Turn.State == TurnState.Failed);
        Assert.Contains("symbolic link", failed.Turn.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));

        File.Delete(phone.PathOf(Folder));
        Directory.CreateDirectory(phone.PathOf(Folder));
        await again.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "run: touch begun"),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        var asked = (await again.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
        await again.DecideAsync(asked, DecisionVerdict.Allow);
        await again.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Finished);
        Assert.True(File.Exists(phone.PathOf($"{Folder}/begun")));
        Directory.Delete(elsewhere, recursive: true);
    }

    [Fact]
    public async Task A_folder_that_became_a_link_before_the_decision_runs_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        var elsewhere = Directory.CreateTempSubdirectory("pc-elsewhere-").FullName;
        await StartAsync(phone, "run: touch begun", Folder);
        var asked = await phone.AskedAsync();
        Directory.Move(phone.PathOf(Folder), phone.PathOf("packages/aside"));
        File.CreateSymbolicLink(phone.PathOf(Folder), elsewhere);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.False(File.Exists(phone.PathOf("packages/aside/begun")));
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        Assert.DoesNotContain("execution_started", await phone.LedgerAsync(asked.ApprovalId));
        Directory.Delete(elsewhere, recursive: true);
    }

    [Fact]
    public async Task A_restart_and_a_fork_keep_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        var session = await StartAsync(phone, "hello", Folder);
        await phone.DoneAsync();
        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        var detail = await again.AskAsync(MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session),
            ProtocolJson.Default.AgentSessionGetRequest, ProtocolJson.Default.AgentSessionGetResponse);
        Assert.Equal(Folder, detail.Session.Folder);

        var made = Guid.CreateVersion7();
        var fork = await again.AskAsync(
            MessageTypes.AgentSessionFork, new AgentSessionForkRequest(session, made, Guid.CreateVersion7(), "run: pwd"),
            ProtocolJson.Default.AgentSessionForkRequest, ProtocolJson.Default.AgentSessionForkResponse);
        Assert.Equal(Folder, fork.Session.Folder);
        await again.SubscribeAsync($"session/{made}");
        var asked = (await again.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;
        Assert.Equal(phone.PathOf(Folder), ((CommandSubject)asked.Subject).Cwd);
    }

    [Fact]
    public async Task Questions_and_plans_are_covered_with_the_folder_too()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        await StartAsync(phone, "ask: Which? | One | Two", Folder);
        var question = await phone.AskedAsync();
        Assert.Equal((ApprovalKind.Question, phone.PathOf(Folder)), (question.Kind, question.Covers!["directory"]));
        Assert.Equal(question.Digest, ApprovalDigest.Digest(question.Covers));
        await StartAsync(phone, "plan: one thing", Folder);
        var plan = await phone.AskedAsync();
        Assert.Equal((ApprovalKind.Plan, phone.PathOf(Folder)), (plan.Kind, plan.Covers!["directory"]));
    }

    [Fact]
    public void The_same_call_in_another_folder_is_another_digest_and_another_reach()
    {
        var session = Guid.CreateVersion7();
        var calls = new AgentApprovalAsked[]
        {
            new("1", "t", "run", new AgentSubject.Command("make", "/p/sub"), "{}"),
            new("1", "t", "write", new AgentSubject.Edit(new FileChange("/p/a", null, "x")), "{}"),
            new("1", "t", "look", new AgentSubject.Tool("look"), "{}"),
        };
        foreach (var call in calls)
        {
            string Of(string directory) => ApprovalDigest.Digest(ToolCallDigest.Of("stub", session, directory, call));
            Assert.Equal(Of("/p/web"), Of("/p/web"));
            Assert.NotEqual(Of("/p/web"), Of("/p/api"));
            Assert.NotEqual(Of("/p/web"), Of("/p"));
        }

        Assert.NotEqual(ToolCallDigest.Reach("stub", "/p/web", calls[2]).Key, ToolCallDigest.Reach("stub", "/p/api", calls[2]).Key);
    }

    [Fact]
    public async Task In_a_sandbox_commands_and_terminals_begin_there_and_the_whole_project_is_writable()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await PhoneAsync(daemon);
        var session = await StartAsync(phone, "run: pwd && touch ../../at-root", Folder, SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        Assert.Equal(phone.PathOf(Folder), ((CommandSubject)asked.Subject).Cwd);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Contains(phone.PathOf(Folder), (await phone.Device.NextEventAsync<ToolResultEvent>()).Output, StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.True(File.Exists(phone.PathOf("at-root")));

        await phone.PromptAsync(session, """tool: bash {"command":"pwd","cwd":".."}""");
        asked = await phone.AskedAsync();
        Assert.Equal(phone.PathOf("packages"), ((CommandSubject)asked.Subject).Cwd);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();

        await using (var view = await TerminalView.OpenAsync(phone.Device, session, "main"))
        {
            await view.TypeAsync("echo at-$PWD-\r");
            await view.UntilAsync($"at-{phone.PathOf(Folder)}-");
            await view.CloseAsync();
        }

        var opened = (await RowsAsync(phone, session)).Single(r => r.GetProperty("kind").GetString() == "terminal_opened");
        Assert.Contains(phone.PathOf(Folder), opened.GetProperty("data").GetRawText(), StringComparison.Ordinal);

        var elsewhere = Directory.CreateTempSubdirectory("pc-elsewhere-").FullName;
        Directory.Delete(phone.PathOf(Folder), recursive: true);
        File.CreateSymbolicLink(phone.PathOf(Folder), elsewhere);
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => TerminalView.OpenAsync(phone.Device, session, "second"));
        Assert.Equal(ErrorCode.OutsideProjectRoot, refused.Error.Code);
        await phone.PromptAsync(session, "run: touch begun");
        Assert.Contains("symbolic link", (await phone.Device.NextEventAsync<ToolResultEvent>()).Output, StringComparison.Ordinal);
        await phone.DoneAsync();
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));
        Directory.Delete(elsewhere);
    }
}
