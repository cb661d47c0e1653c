using System.Security.Cryptography;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Files;

/// <summary>Protected configuration changed from a device: decided first, whatever the message, the spelling or the link.</summary>
public sealed class ProtectedFileTests
{
    [Fact]
    public async Task A_write_of_protected_configuration_is_shown_with_its_diff_and_done_when_it_is_allowed()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf(".mcp.json"), "{}\n");
        var asked = await ApprovalAsync(phone, await RefusedAsync(() => WriteAsync(phone, ".mcp.json", "{\"mcpServers\":{}}\n")));
        var subject = Assert.IsType<FileSubject>(asked.Subject);
        Assert.Equal((FileOperation.Write, ".mcp.json"), (subject.Operation, subject.Path));
        Assert.Contains("Other programs obey", subject.Why, StringComparison.Ordinal);
        Assert.Equal((1, 1), (Assert.Single(subject.Diffs!).Added, subject.Diffs![0].Removed));
        Assert.Equal("{}\n", await File.ReadAllTextAsync(phone.PathOf(".mcp.json")));
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => (await File.ReadAllTextAsync(phone.PathOf(".mcp.json"))).Contains(
            "mcpServers", StringComparison.Ordinal), "the machine's own write");

        await WriteAsync(phone, "plain.json", "{}"); // nothing is asked for other files
    }

    [Fact]
    public async Task Every_way_to_change_protected_configuration_asks_first_by_every_name()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var project = phone.Project.ProjectId;
        Directory.CreateDirectory(phone.PathOf(".claude"));
        Directory.CreateDirectory(phone.PathOf("holds/.vscode"));
        Directory.CreateDirectory(phone.PathOf("deep/er"));
        await File.WriteAllTextAsync(phone.PathOf(".claude/settings.json"), "{}");
        await File.WriteAllTextAsync(phone.PathOf("holds/.vscode/tasks.json"), "{}");
        await File.WriteAllTextAsync(phone.PathOf("plain"), "x");
        await File.WriteAllTextAsync(phone.PathOf("gone"), "x");
        File.CreateSymbolicLink(phone.PathOf("harmless"), ".claude");
        File.CreateSymbolicLink(phone.PathOf("link.json"), ".claude/settings.json");
        var names = (string[])
        [
            ".claude/settings.json", ".Claude/new/deeper.json", ".mcp.json", ".MCP.JSON", "sub/.mcp.json", ".vscode/tasks.json", ".envrc",
            ".ENVRC", ".codex/config.toml", ".cursor/x", "opencode.json",
            "harmless/settings.json", "harmless/new/deeper.json", "link.json",
        ];
        foreach (var name in names)
        {
            await MustAskAsync($"write {name}", () => WriteAsync(phone, name, "y"));
            await MustAskAsync($"mkdir {name}", () => AskAsync(phone, MessageTypes.FsMkdir, new FsMkdirRequest(
                project, name, Parents: true), ProtocolJson.Default.FsMkdirRequest, ProtocolJson.Default.FsMkdirResponse));
            await MustAskAsync($"move to {name}", () => MoveAsync(phone, "plain", name));
            await MustAskAsync($"move from {name}", () => MoveAsync(phone, name, "elsewhere"));
            await MustAskAsync($"delete {name}", () => AskAsync(phone, MessageTypes.FsDelete, new FsDeleteRequest(project, name),
                ProtocolJson.Default.FsDeleteRequest, ProtocolJson.Default.FsDeleteResponse));
            var refused = await RefusedAsync(() => BeginAsync(phone, name));
            Assert.True(refused.Code == ErrorCode.PermissionDenied, $"upload {name}: {refused.Code}");
        }

        await MustAskAsync("a folder that holds it", () => MoveAsync(phone, "holds", "held"));
        await MustAskAsync("the deletion of a folder that holds it", () => AskAsync(phone, MessageTypes.FsDelete,
            new FsDeleteRequest(project, "holds"), ProtocolJson.Default.FsDeleteRequest, ProtocolJson.Default.FsDeleteResponse));

        // What was thrown away under a harmless name comes back under another one.
        var gone = (await AskAsync(phone, MessageTypes.FsDelete, new FsDeleteRequest(project, "gone"), ProtocolJson.Default.FsDeleteRequest,
            ProtocolJson.Default.FsDeleteResponse)).Item.TrashId;
        await MustAskAsync("restore", () => AskAsync(phone, MessageTypes.FsRestore, new FsRestoreRequest(project, gone, ".mcp.json"),
            ProtocolJson.Default.FsRestoreRequest, ProtocolJson.Default.FsRestoreResponse));

        // git's own is refused at once: nobody is asked about what is not done.
        foreach (var name in (string[])[".git/config", ".git/hooks/pre-commit", ".GIT/config", "sub/.git/config"])
        {
            Assert.Equal(ErrorCode.PermissionDenied, (await RefusedAsync(() => WriteAsync(phone, name, "y"))).Code);
            Assert.Equal(ErrorCode.PermissionDenied, (await RefusedAsync(() => MoveAsync(phone, "plain", name))).Code);
            Assert.Equal(ErrorCode.PermissionDenied, (await RefusedAsync(() => BeginAsync(phone, name))).Code);
        }

        Assert.Equal(("{}", "x", true), (await File.ReadAllTextAsync(phone.PathOf(".claude/settings.json")),
            await File.ReadAllTextAsync(phone.PathOf("plain")), Directory.Exists(phone.PathOf("holds"))));
        Assert.False(File.Exists(phone.PathOf(".mcp.json")));

        async Task MustAskAsync(string what, Func<Task> change)
        {
            var failure = await Record.ExceptionAsync(change);
            Assert.True(failure is WireErrorException { Error.Code: ErrorCode.ApprovalRequired },
                $"{what}: {(failure as WireErrorException)?.Error.Code.ToString() ?? failure?.Message ?? "done"}");
            var approval = await ApprovalAsync(phone, ((WireErrorException)failure!).Error);
            await phone.Device.DecideAsync(approval, DecisionVerdict.Deny);
        }
    }

    [Fact]
    public async Task An_upload_whose_place_became_protected_meanwhile_asks_at_its_end()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        Directory.CreateDirectory(phone.PathOf("place"));
        Directory.CreateDirectory(phone.PathOf(".vscode"));
        var upload = (await BeginAsync(phone, "place/tasks.json")).UploadId;
        await AskAsync(phone, MessageTypes.FsUploadChunk, new FsUploadChunkRequest(phone.Project.ProjectId, upload, 0,
            Convert.ToBase64String("{}"u8)), ProtocolJson.Default.FsUploadChunkRequest, ProtocolJson.Default.FsUploadChunkResponse);
        Directory.Delete(phone.PathOf("place"));
        File.CreateSymbolicLink(phone.PathOf("place"), ".vscode");
        Assert.Equal(ErrorCode.ApprovalRequired, (await RefusedAsync(() => AskAsync(
            phone, MessageTypes.FsUploadEnd, new FsUploadEndRequest(phone.Project.ProjectId, upload),
            ProtocolJson.Default.FsUploadEndRequest, ProtocolJson.Default.FsUploadEndResponse))).Code);
        Assert.False(File.Exists(phone.PathOf(".vscode/tasks.json")));
    }

    private static Task<TResponse> AskAsync<TRequest, TResponse>(Phone phone, string type, TRequest request, JsonTypeInfo<TRequest> asks,
        JsonTypeInfo<TResponse> answers) => phone.Device.AskAsync(type, request, asks, answers);

    private static Task<FsWriteResponse> WriteAsync(Phone phone, string path, string content)
        => AskAsync(phone, MessageTypes.FsWrite, new FsWriteRequest(phone.Project.ProjectId, path, content, Mkdirs: true),
            ProtocolJson.Default.FsWriteRequest, ProtocolJson.Default.FsWriteResponse);

    private static Task<FsMoveResponse> MoveAsync(Phone phone, string from, string to)
        => AskAsync(phone, MessageTypes.FsMove, new FsMoveRequest(phone.Project.ProjectId, from, to), ProtocolJson.Default.FsMoveRequest,
            ProtocolJson.Default.FsMoveResponse);

    private static Task<FsUploadBeginResponse> BeginAsync(Phone phone, string path) => AskAsync(
        phone,
        MessageTypes.FsUploadBegin,
        new FsUploadBeginRequest(
            phone.Project.ProjectId, Guid.CreateVersion7(), path, 2, Convert.ToHexStringLower(SHA256.HashData("{}"u8)), Mkdirs: true),
        ProtocolJson.Default.FsUploadBeginRequest,
        ProtocolJson.Default.FsUploadBeginResponse);

    private static async Task<WireError> RefusedAsync(Func<Task> work) => (await Assert.ThrowsAsync<WireErrorException>(work)).Error;

    private static async Task<ApprovalInfo> ApprovalAsync(Phone phone, WireError required)
    {
        Assert.Equal(ErrorCode.ApprovalRequired, required.Code);
        var list = await phone.Device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(),
            ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
        return list.Approvals.Single(a => a.ApprovalId == Guid.Parse(required.Details!["approvalId"]));
    }
}
