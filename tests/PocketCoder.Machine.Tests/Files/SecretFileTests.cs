using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Machine.Approvals;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Files;

/// <summary>Reading secrets from a device: what was allowed is one content of one file, and no device keeps others from asking.</summary>
public sealed class SecretFileTests
{
    [Fact]
    public async Task A_device_that_asks_for_many_secrets_loses_its_own_oldest_requests_and_nobody_elses()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var flood = await daemon.PairAsync("flood", Scope.View);
        var many = PersonApprovals.Bounds.Reads + 40;
        for (var i = 0; i < many; i++)
        {
            await File.WriteAllTextAsync(phone.PathOf($"{i:00}.env"), "KEY=1");
        }

        await File.WriteAllTextAsync(phone.PathOf(".env"), "KEY=mine");
        var mine = await AskedAsync(phone.Device, phone, ".env");
        var asked = new List<Guid>();
        for (var i = 0; i < many; i++)
        {
            asked.Add((await AskedAsync(flood, phone, $"{i:00}.env")).ApprovalId);
        }

        var pending = await PendingAsync(phone.Device);
        Assert.Equal(asked[^PersonApprovals.Bounds.Reads..].Append(mine.ApprovalId).Order(), pending.Select(a => a.ApprovalId).Order());
        var all = await phone.Device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(Pending: false),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
        var withdrawn = all.Approvals.Single(a => a.ApprovalId == asked[0]);
        Assert.Equal(ApprovalState.Withdrawn, withdrawn.State);
        Assert.Contains("flood asked", withdrawn.Decision!.Reason, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.Unauthorized, (await RefusedAsync(() => ReadAsync(flood, phone, "00.env", asked[0]))).Code);

        // Others go on asking and changing.
        await AskedAsync(phone.Device, phone, "00.env");
        Assert.Equal(ErrorCode.ApprovalRequired, (await RefusedAsync(() => phone.Device.AskAsync(
            MessageTypes.FsWrite, new FsWriteRequest(phone.Project.ProjectId, ".env", "KEY=2"), ProtocolJson.Default.FsWriteRequest,
            ProtocolJson.Default.FsWriteResponse))).Code);
        await phone.Device.DecideAsync(mine, DecisionVerdict.Allow);
        Assert.Equal("KEY=mine", (await ReadAsync(phone.Device, phone, ".env", mine.ApprovalId)).Content);

        // And it can't fill the ledger by asking on and on.
        ErrorCode? last = null;
        for (var i = 0; i < PersonApprovals.Bounds.Asked && last != ErrorCode.DaemonBusy; i++)
        {
            last = (await RefusedAsync(() => ReadAsync(flood, phone, $"{i % many:00}.env"))).Code;
        }

        Assert.Equal(ErrorCode.DaemonBusy, last);
    }

    [Theory]
    [InlineData("other content in the same file")]
    [InlineData("another file with the same content")]
    [InlineData("a link to another secret")]
    [InlineData("a link to another file")]
    public async Task An_allowed_read_is_of_the_very_file_and_content_that_was_asked_about(string drift)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var path = phone.PathOf(".env");
        await File.WriteAllTextAsync(path, "KEY=shown");
        await File.WriteAllTextAsync(phone.PathOf("other.env"), "KEY=other");
        var asked = await AskedAsync(phone.Device, phone, ".env");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        Assert.Equal("KEY=shown", (await ReadAsync(phone.Device, phone, ".env", asked.ApprovalId)).Content);
        var download = await BeginAsync(phone, ".env", asked.ApprovalId);
        switch (drift)
        {
            case "other content in the same file":
                await File.WriteAllTextAsync(path, "KEY=newer");
                break;
            case "another file with the same content":
                File.Move(path, phone.PathOf("kept.env"));
                await File.WriteAllTextAsync(path, "KEY=shown");
                break;
            case "a link to another secret":
                File.Delete(path);
                File.CreateSymbolicLink(path, "other.env");
                break;
            default:
                File.Delete(path);
                File.CreateSymbolicLink(path, "README.md");
                break;
        }

        Assert.Equal(ErrorCode.DigestMismatch, (await RefusedAsync(() => ReadAsync(phone.Device, phone, ".env", asked.ApprovalId))).Code);
        Assert.Equal(ErrorCode.DigestMismatch, (await RefusedAsync(() => BeginAsync(phone, ".env", asked.ApprovalId))).Code);
        Assert.Equal(ErrorCode.DigestMismatch, (await RefusedAsync(() => phone.Device.AskAsync(
            MessageTypes.FsDownloadChunk, new FsDownloadChunkRequest(phone.Project.ProjectId, ".env", download.Version, 0)
            {
                ApprovalId =
                asked.ApprovalId
            }, ProtocolJson.Default.FsDownloadChunkRequest, ProtocolJson.Default.FsDownloadChunkResponse))).Code);
        Assert.NotEqual(asked.ApprovalId, (await AskedAsync(phone.Device, phone, ".env")).ApprovalId); // asked anew
    }

    [Theory]
    [InlineData(".envrc")]
    [InlineData(".ENV")]
    [InlineData(".Env.Local")]
    [InlineData("prod.env")]
    [InlineData("PROD.ENV")]
    [InlineData("terraform.tfstate")]
    [InlineData("Terraform.TFState.backup")]
    [InlineData("ID_RSA")]
    [InlineData("server.PEM")]
    public async Task Names_of_secrets_are_known_in_every_case(string name)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf(name), "KEY=hidden");
        Assert.Equal(ErrorCode.ApprovalRequired, (await RefusedAsync(() => ReadAsync(phone.Device, phone, name))).Code);
        var found = await phone.Device.AskAsync(MessageTypes.FsSearch, new FsSearchRequest(phone.Project.ProjectId, "hidden"),
            ProtocolJson.Default.FsSearchRequest, ProtocolJson.Default.FsSearchResponse);
        Assert.Empty(found.Matches);
    }

    [Fact]
    public async Task A_further_name_of_a_secret_or_of_a_file_outside_is_not_read_by_any_message()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var outside = Path.Combine(Path.GetDirectoryName(phone.Project.Path)!, $"outside-{Guid.CreateVersion7():N}");
        await File.WriteAllTextAsync(outside, "hidden outside");
        await File.WriteAllTextAsync(phone.PathOf(".env"), "KEY=hidden");
        await File.WriteAllTextAsync(phone.PathOf("one"), "harmless");
        await File.WriteAllTextAsync(phone.PathOf("t"), "tracked");
        var git = phone.Project.Path;
        await Testing.Git.Shell.RunAsync(git,
            $"git init -q -b main; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; git add t; ln .env plain; ln {outside} notes; ln one two; ln -f .env t");
        foreach (var name in (string[])["plain", "notes", "t"])
        {
            Assert.Equal(ErrorCode.PermissionDenied, (await RefusedAsync(() => ReadAsync(phone.Device, phone, name))).Code);
            Assert.Equal(ErrorCode.PermissionDenied, (await RefusedAsync(() => BeginAsync(phone, name))).Code);
            Assert.Equal(ErrorCode.PermissionDenied, (await RefusedAsync(() => phone.Device.AskAsync(
                MessageTypes.FsStat, new FsStatRequest(phone.Project.ProjectId, name, Etag: true), ProtocolJson.Default.FsStatRequest,
                ProtocolJson.Default.FsStatResponse))).Code);
        }

        Assert.Equal("harmless", (await ReadAsync(phone.Device, phone, "two")).Content); // both names are within
        var found = await phone.Device.AskAsync(MessageTypes.FsSearch, new FsSearchRequest(phone.Project.ProjectId, "hidden"),
            ProtocolJson.Default.FsSearchRequest, ProtocolJson.Default.FsSearchResponse);
        Assert.Empty(found.Matches);
        var diff = await phone.Device.AskAsync(MessageTypes.GitDiff, new GitDiffRequest(phone.Project.ProjectId, GitDiffScope.Unstaged),
            ProtocolJson.Default.GitDiffRequest, ProtocolJson.Default.GitDiffResponse);
        Assert.Equal(("t", true, 0), (Assert.Single(diff.Files).Path, diff.Files[0].Withheld, diff.Files[0].Hunks.Count));
        File.Delete(outside);
    }

    [Fact]
    public async Task Digests_of_requests_to_read_do_not_tell_a_short_secret()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf(".env"), "PIN=1234");
        var asked = await AskedAsync(phone.Device, phone, ".env");
        await daemon.RestartAsync(); // another key of the daemon
        await using var again = await daemon.PhoneAsync();
        Assert.NotEqual(asked.Digest, (await AskedAsync(again.Device, again, ".env")).Digest);
    }

    private static Task<FsReadResponse> ReadAsync(TestDevice device, Phone phone, string path, Guid? approval = null)
        => device.AskAsync(MessageTypes.FsRead, new FsReadRequest(phone.Project.ProjectId, path) { ApprovalId = approval },
            ProtocolJson.Default.FsReadRequest, ProtocolJson.Default.FsReadResponse);

    private static Task<FsDownloadBeginResponse> BeginAsync(Phone phone, string path, Guid? approval = null) => phone.Device.AskAsync(
        MessageTypes.FsDownloadBegin, new FsDownloadBeginRequest(phone.Project.ProjectId, path) { ApprovalId = approval },
        ProtocolJson.Default.FsDownloadBeginRequest, ProtocolJson.Default.FsDownloadBeginResponse);

    private static async Task<ApprovalInfo> AskedAsync(TestDevice device, Phone phone, string path)
    {
        var required = await RefusedAsync(() => ReadAsync(device, phone, path));
        Assert.Equal(ErrorCode.ApprovalRequired, required.Code);
        return (await PendingAsync(device)).Single(a => a.ApprovalId == Guid.Parse(required.Details!["approvalId"]));
    }

    private static async Task<IReadOnlyList<ApprovalInfo>> PendingAsync(TestDevice device)
        => (await device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(), ProtocolJson.Default.ApprovalsListRequest,
            ProtocolJson.Default.ApprovalsListResponse)).Approvals;

    private static async Task<WireError> RefusedAsync(Func<Task> work) => (await Assert.ThrowsAsync<WireErrorException>(work)).Error;
}
