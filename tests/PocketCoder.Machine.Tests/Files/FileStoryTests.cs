using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Data.Sqlite;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Files;

/// <summary>A project's files from a device, through the whole daemon.</summary>
public sealed class FileStoryTests
{
    private static Task<TResponse> AskAsync<TRequest, TResponse>(TestDevice device, string type, TRequest request,
        JsonTypeInfo<TRequest> asks, JsonTypeInfo<TResponse> answers) => device.AskAsync(type, request, asks, answers);

    private static Task<FsWriteResponse> WriteAsync(Phone phone, string path, string content, string? expected = null) => AskAsync(
        phone.Device, MessageTypes.FsWrite, new FsWriteRequest(phone.Project.ProjectId, path, content, ExpectedEtag: expected),
        ProtocolJson.Default.FsWriteRequest, ProtocolJson.Default.FsWriteResponse);

    private static Task<FsReadResponse> ReadAsync(Phone phone, string path, Guid? approval = null) => AskAsync(
        phone.Device, MessageTypes.FsRead, new FsReadRequest(phone.Project.ProjectId, path, ApprovalId: approval),
        ProtocolJson.Default.FsReadRequest, ProtocolJson.Default.FsReadResponse);

    private static async Task<WireError> RefusedAsync(Func<Task> work) => (await Assert.ThrowsAsync<WireErrorException>(work)).Error;

    private static async Task<IReadOnlyList<JsonElement>> RowsAsync(Phone phone)
    {
        var rows = await phone.Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 200),
            ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);
        return [.. rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)
            .Where(r => r.GetProperty("kind").GetString() == "file_changed")];
    }

    private static async Task<ApprovalInfo> ApprovalAsync(Phone phone, WireError required)
    {
        Assert.Equal(ErrorCode.ApprovalRequired, required.Code);
        var list = await phone.Device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
        return list.Approvals.Single(a => a.ApprovalId == Guid.Parse(required.Details!["approvalId"]));
    }

    [Fact]
    public async Task A_phone_lists_reads_writes_moves_deletes_and_restores_and_every_change_is_a_row()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var project = phone.Project.ProjectId;
        var made = await WriteAsync(phone, "notes.md", "one");
        Assert.Equal("one", (await ReadAsync(phone, "notes.md")).Content);
        var stale = await RefusedAsync(() => WriteAsync(phone, "notes.md", "two", new string('0', 64)));
        Assert.Equal((ErrorCode.Conflict, made.Etag), (stale.Code, stale.Details!["etag"]));
        Assert.Equal(ErrorCode.OutsideProjectRoot, (await RefusedAsync(() => ReadAsync(phone, "../machine.key"))).Code);
        Assert.Equal(ErrorCode.FileNotFound, (await RefusedAsync(() => ReadAsync(phone, "none"))).Code);
        await AskAsync(phone.Device, MessageTypes.FsMkdir, new FsMkdirRequest(project, "docs"), ProtocolJson.Default.FsMkdirRequest,
            ProtocolJson.Default.FsMkdirResponse);
        await AskAsync(phone.Device, MessageTypes.FsMove, new FsMoveRequest(project, "notes.md", "docs/notes.md"),
            ProtocolJson.Default.FsMoveRequest, ProtocolJson.Default.FsMoveResponse);
        var deleted = await AskAsync(phone.Device, MessageTypes.FsDelete, new FsDeleteRequest(project, "docs"),
            ProtocolJson.Default.FsDeleteRequest, ProtocolJson.Default.FsDeleteResponse);
        Assert.Equal("phone", deleted.Item.By);
        var trash = await AskAsync(phone.Device, MessageTypes.FsTrashList, new FsTrashListRequest(project),
            ProtocolJson.Default.FsTrashListRequest, ProtocolJson.Default.FsTrashListResponse);
        Assert.Equal(deleted.Item, Assert.Single(trash.Items));
        await AskAsync(phone.Device, MessageTypes.FsRestore, new FsRestoreRequest(project, deleted.Item.TrashId),
            ProtocolJson.Default.FsRestoreRequest, ProtocolJson.Default.FsRestoreResponse);
        var list = await AskAsync(phone.Device, MessageTypes.FsList, new FsListRequest(project, "docs"), ProtocolJson.Default.FsListRequest,
            ProtocolJson.Default.FsListResponse);
        Assert.Equal("docs/notes.md", Assert.Single(list.Children).Path);
        var stat = await AskAsync(phone.Device, MessageTypes.FsStat, new FsStatRequest(project, "docs/notes.md", Etag: true),
            ProtocolJson.Default.FsStatRequest, ProtocolJson.Default.FsStatResponse);
        Assert.Equal(made.Etag, stat.Etag);
        var found = await AskAsync(phone.Device, MessageTypes.FsSearch, new FsSearchRequest(project, "one", Path: "docs"),
            ProtocolJson.Default.FsSearchRequest, ProtocolJson.Default.FsSearchResponse);
        Assert.Equal("docs/notes.md", Assert.Single(found.Matches).Path);
        Assert.Equal(ErrorCode.ProjectNotFound, (await RefusedAsync(() => AskAsync(phone.Device, MessageTypes.FsList,
            new FsListRequest(Guid.CreateVersion7()), ProtocolJson.Default.FsListRequest, ProtocolJson.Default.FsListResponse))).Code);

        var rows = await RowsAsync(phone);
        Assert.Equal(["write", "make_directory", "move", "delete", "restore"],
            rows.Select(r => r.GetProperty("data").GetProperty("action").GetString()));
        Assert.Equal((made.Etag, "notes.md"),
            (rows[0].GetProperty("digest").GetString(), rows[0].GetProperty("data").GetProperty("path").GetString()));
        Assert.All(rows, r => Assert.Equal(phone.Device.Identity.Id, r.GetProperty("deviceId").GetString()));
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task What_looks_like_a_secret_is_read_and_changed_only_after_a_decision()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf(".env"), "TOKEN=1");
        File.CreateSymbolicLink(phone.PathOf("harmless.txt"), ".env");
        var read = await ApprovalAsync(phone, await RefusedAsync(() => ReadAsync(phone, ".env")));
        Assert.Equal((ApprovalKind.File, new FileSubject(FileOperation.Read, ".env", "By its name it holds keys or passwords.")),
            (read.Kind, (FileSubject)read.Subject));
        Assert.Equal(ErrorCode.ApprovalRequired, (await RefusedAsync(() => ReadAsync(phone, "harmless.txt"))).Code);
        Assert.Equal(ErrorCode.ApprovalRequired, (await RefusedAsync(() => AskAsync(
            phone.Device, MessageTypes.FsDownloadBegin, new FsDownloadBeginRequest(phone.Project.ProjectId, ".env"),
            ProtocolJson.Default.FsDownloadBeginRequest, ProtocolJson.Default.FsDownloadBeginResponse))).Code);
        Assert.Equal(ErrorCode.Unauthorized, (await RefusedAsync(() => ReadAsync(phone, ".env", read.ApprovalId))).Code); // not decided yet
        await phone.Device.DecideAsync(read, DecisionVerdict.Allow);
        Assert.Equal("TOKEN=1", (await ReadAsync(phone, ".env", read.ApprovalId)).Content);
        Assert.Equal(ErrorCode.DigestMismatch, (await RefusedAsync(() => ReadAsync(phone, "harmless.txt", read.ApprovalId))).Code);

        var write = await ApprovalAsync(phone, await RefusedAsync(() => WriteAsync(phone, ".env", "TOKEN=2")));
        Assert.Equal("TOKEN=1", await File.ReadAllTextAsync(phone.PathOf(".env")));
        await phone.Device.DecideAsync(write, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => await File.ReadAllTextAsync(phone.PathOf(".env")) == "TOKEN=2", "the machine's own write");
        var move = await ApprovalAsync(phone, await RefusedAsync(() => AskAsync(
            phone.Device, MessageTypes.FsMove, new FsMoveRequest(phone.Project.ProjectId, ".env", "plain.txt"),
            ProtocolJson.Default.FsMoveRequest, ProtocolJson.Default.FsMoveResponse)));
        await phone.Device.DecideAsync(move, DecisionVerdict.Deny);
        Assert.True(File.Exists(phone.PathOf(".env")));
        Assert.DoesNotContain("TOKEN", daemon.Log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_changes_is_told_to_who_follows_with_numbers_that_go_on_after_a_restart()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var stream = $"files/{phone.Project.ProjectId}";
        var first = await FollowAsync(phone.Device, stream);
        Assert.True(first.Reset);
        await File.WriteAllTextAsync(phone.PathOf("new.txt"), "x");
        var told = await phone.Device.NextAsync(e => e.Type == MessageTypes.FsChanged, "a change");
        var payload = told.Payload!.Value.Deserialize(ProtocolJson.Default.FsChangedPayload)!;
        Assert.Equal((stream, first.Epoch, first.Head + 1, first.Head + 1), (told.Stream, told.Epoch, told.Seq!.Value, payload.Seq));
        Assert.Equal([new FsChange(FsChangeKind.Create, "new.txt")], payload.Changes);
        Assert.False(told.Payload!.Value.TryGetProperty("changesTruncated", out _));

        // Away for a moment: the same epoch goes on where it was.
        await phone.Device.AskAsync(MessageTypes.Unsubscribe, new UnsubscribeRequest(stream), ProtocolJson.Default.UnsubscribeRequest,
            ProtocolJson.Default.UnsubscribeResponse);
        await File.WriteAllTextAsync(phone.PathOf("meanwhile.txt"), "x");
        await Wait.UntilAsync(async () => (await FollowAsync(phone.Device, stream, first.Epoch, payload.Seq)).Head > payload.Seq,
            "the change meanwhile");
        var missed = await phone.Device.NextAsync(e => e.Type == MessageTypes.FsChanged
            && e.Payload!.Value.GetRawText().Contains("meanwhile.txt", StringComparison.Ordinal), "what was missed");
        Assert.Equal(payload.Seq + 1, missed.Seq);

        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        var later = await FollowAsync(again, stream, first.Epoch, missed.Seq!.Value);
        Assert.True(later.Reset);
        Assert.True(later.Head >= missed.Seq && later.Head < missed.Seq + 1000, "a clean stop loses no number and skips none");
        Assert.NotEqual(first.Epoch, later.Epoch);

        // A daemon that was killed while it watched says nothing of a clean end: numbers after the last known one may have been used.
        await daemon.Daemon.StopAsync("test");
        using (var database = new SqliteConnection($"Data Source={daemon.Options.Home.Database};Pooling=False"))
        {
            database.Open();
            using var update = database.CreateCommand();
            update.CommandText = "UPDATE fs_state SET clean = 0";
            Assert.Equal(1, update.ExecuteNonQuery());
        }

        await daemon.RestartAsync();
        await using var third = await phone.Device.AgainAsync(daemon.Url);
        var jumped = await FollowAsync(third, stream, later.Epoch, later.Head);
        Assert.Equal((true, later.Head + 1000), (jumped.Reset, jumped.Head));
        Assert.Equal(ErrorCode.ProjectNotFound, (await RefusedAsync(() => FollowAsync(third, $"files/{Guid.CreateVersion7()}"))).Code);
    }

    [Fact]
    public async Task A_branch_changed_in_a_terminal_is_told_to_who_looks_and_a_project_that_is_none_any_more_is_watched_no_more()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.Device.SubscribeAsync("machine", phone.Device.Hello.Instance, 0);
        await ShellAsync(phone, "git init -q && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one");
        await FollowAsync(phone.Device, $"files/{phone.Project.ProjectId}");
        var control = daemon.Daemon.AsOwner();
        var before = (await control.WatchingAsync(CancellationToken.None))[phone.Project.ProjectId];
        Assert.True(before.Running);

        await ShellAsync(phone, "git checkout -q -b other");
        await phone.Device.NextAsync(e => e.Type == MessageTypes.MachineEvent && e.Payload!.Value.GetProperty("kind").GetString() == "git"
            && e.Payload!.Value.GetProperty("projectId").GetGuid() == phone.Project.ProjectId, "a word about git");
        Assert.Equal(before, (await control.WatchingAsync(CancellationToken.None))[phone.Project.ProjectId]); // no file changed

        await control.RemoveProjectAsync(phone.Project.ProjectId, CancellationToken.None);
        var last = await phone.Device.NextAsync(e => e.Type == MessageTypes.FsChanged, "the end");
        Assert.Equal([new FsChange(FsChangeKind.Delete, "")],
            last.Payload!.Value.Deserialize(ProtocolJson.Default.FsChangedPayload)!.Changes);
        Assert.False((await control.WatchingAsync(CancellationToken.None))[phone.Project.ProjectId].Running);
        Assert.Equal(ErrorCode.ProjectNotFound, (await RefusedAsync(() => ReadAsync(phone, "README.md"))).Code);
    }

    [Fact]
    public async Task What_was_allowed_for_a_secret_is_done_as_it_was_shown_or_not_at_all()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var path = phone.PathOf(".env");
        foreach (var (what, drift) in (IEnumerable<(string, Action)>)
        [
            ("other content", () => File.WriteAllText(path, "TOKEN=somebody else's")),
            ("nothing", () => File.Delete(path)),
            ("a link to another file", () =>
            {
                File.Delete(path);
                File.CreateSymbolicLink(path, "README.md");
            }),
            ("a folder", () =>
            {
                File.Delete(path);
                Directory.CreateDirectory(path);
            }),
        ])
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path);
            }

            File.Delete(path);
            await File.WriteAllTextAsync(path, "TOKEN=1");
            var readme = await File.ReadAllTextAsync(phone.PathOf("README.md"));
            var asked = await ApprovalAsync(phone, await RefusedAsync(() => WriteAsync(phone, ".env", "TOKEN=2")));
            Assert.Equal((7L, Convert.ToHexStringLower(SHA256.HashData("TOKEN=2"u8))),
                (((FileSubject)asked.Subject).Bytes, ((FileSubject)asked.Subject).Sha256));
            // the same is not asked twice
            Assert.Equal(asked.ApprovalId,
                (await ApprovalAsync(phone, await RefusedAsync(() => WriteAsync(phone, ".env", "TOKEN=2")))).ApprovalId);
            Assert.NotEqual(asked.ApprovalId,
                (await ApprovalAsync(phone, await RefusedAsync(() => WriteAsync(phone, ".env", "TOKEN=3")))).ApprovalId);
            drift();
            await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
            await Wait.UntilAsync(async () => (await ApprovalOfAsync(phone, asked.ApprovalId)).State == ApprovalState.Withdrawn,
                $"a refusal: {what}");
            Assert.Equal(readme, await File.ReadAllTextAsync(phone.PathOf("README.md")));
            Assert.True(Directory.Exists(path) || !File.Exists(path) || await File.ReadAllTextAsync(path) != "TOKEN=2", what);
        }

        Assert.Empty(await RowsAsync(phone));
    }

    private static async Task<ApprovalInfo> ApprovalOfAsync(Phone phone, Guid approval)
        => (await phone.Device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(Pending: false),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse)).Approvals.Single(
            a => a.ApprovalId == approval);

    private static async Task ShellAsync(Phone phone, string line)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        { ["PATH"] = "/usr/bin:/bin", ["GIT_CONFIG_NOSYSTEM"] = "1", ["HOME"] = "/nonexistent" };
        var ran = await CommandRun.RunAsync(new ProcessStart
        {
            Program = "/bin/sh",
            Arguments = ["-c", line],
            WorkingDirectory =
            phone.Project.Path,
            Environment = environment
        }, Wait.Limit, 8192, TimeProvider.System, CancellationToken.None);
        Assert.True(ran.ExitCode == 0, ran.Output);
    }

    private static Task<SubscribeResponse> FollowAsync(TestDevice device, string stream, string? epoch = null, long after = 0)
        => device.AskAsync(MessageTypes.Subscribe, new SubscribeRequest(stream, epoch, after), ProtocolJson.Default.SubscribeRequest,
            ProtocolJson.Default.SubscribeResponse);
}
