using System.Text.Json.Serialization.Metadata;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Git;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>A daemon, a phone and a real repository as the project.</summary>
internal sealed class GitBench(TestDaemon daemon, Phone phone) : IAsyncDisposable
{
    private bool _borrowed;

    public TestDaemon Daemon { get; } = daemon;

    public Phone Phone { get; } = phone;

    public Guid Project => Phone.Project.ProjectId;

    public string Folder => Phone.Project.Path;

    /// <param name="commands">Shell lines that make the repository, run in the project.</param>
    public static async Task<GitBench> StartAsync(
        string commands, SandboxKind sandbox = SandboxKind.Bubblewrap, IReadOnlyList<string>? ssh = null, HttpsSettings? https = null)
    {
        var daemon = await TestDaemon.StartAsync(sandbox: sandbox, ssh: ssh, seams: s => https is null ? s : s with { GitHttps = https });
        return await StartAsync(daemon, commands, owned: true);
    }

    /// <summary>With a daemon of the test's own, which ends it.</summary>
    public static async Task<GitBench> StartAsync(TestDaemon daemon, string commands, bool owned = false)
    {
        var bench = new GitBench(daemon, await daemon.PhoneAsync()) { _borrowed = !owned };
        File.Delete(bench.Path("README.md"));
        await bench.ShellAsync($"git init -q -b main\ngit config user.name Ada\ngit config user.email ada@example.org\n{commands}");
        return bench;
    }

    public string Path(string file) => System.IO.Path.Combine(Folder, file);

    public Task WriteAsync(string file, string text) => File.WriteAllTextAsync(Path(file), text);

    public Task<string> ReadAsync(string file) => File.ReadAllTextAsync(Path(file));

    /// <summary>Asks, as the phone.</summary>
    public Task<TResponse> AskAsync<TRequest, TResponse>(string type, TRequest request)
        => Phone.Device.AskAsync(type, request, (JsonTypeInfo<TRequest>)ProtocolJson.Default.GetTypeInfo(typeof(TRequest))!,
            (JsonTypeInfo<TResponse>)ProtocolJson.Default.GetTypeInfo(typeof(TResponse))!);

    public async Task<WireError> RefusedAsync<TRequest, TResponse>(string type, TRequest request)
        => (await Assert.ThrowsAsync<WireErrorException>(() => AskAsync<TRequest, TResponse>(type, request))).Error;

    public Task<GitStatusResponse> StatusAsync()
        => AskAsync<GitStatusRequest, GitStatusResponse>(MessageTypes.GitStatus, new GitStatusRequest(Project));

    public Task<GitDiffResponse> DiffAsync(GitDiffScope scope, int context = 3, bool word = false, string? from = null, string? to = null)
        => AskAsync<GitDiffRequest, GitDiffResponse>(
            MessageTypes.GitDiff, new GitDiffRequest(Project, scope, from, to, Word: word, Context: context));

    public Task<GitStageResponse> StageAsync(params string[] paths)
        => AskAsync<GitStageRequest, GitStageResponse>(MessageTypes.GitStage, new GitStageRequest(Project, paths));

    public Task<GitCommitResponse> CommitAsync(string message)
        => AskAsync<GitCommitRequest, GitCommitResponse>(MessageTypes.GitCommit, new GitCommitRequest(Project, message));

    /// <summary>The same for another device, which it ends; the daemon goes on.</summary>
    public static GitBench Of(TestDaemon daemon, Phone phone) => new(daemon, phone) { _borrowed = true };

    /// <summary>Another phone, after the daemon was started anew. Only what asks works with it; it ends alone.</summary>
    public async Task<GitBench> AgainAsync() => new(Daemon, await Daemon.PhoneAsync()) { _borrowed = true };

    /// <summary>Asks for a transfer, allows it, and waits for its end.</summary>
    public async Task<ApprovalInfo> EndAsync<TRequest>(string type, TRequest request)
    {
        var asked = request switch
        {
            GitPushRequest push => (await AskAsync<GitPushRequest, GitPushResponse>(type, push)).Approval,
            GitFetchRequest fetch => (await AskAsync<GitFetchRequest, GitFetchResponse>(type, fetch)).Approval,
            GitPullRequest pull => (await AskAsync<GitPullRequest, GitPullResponse>(type, pull)).Approval,
            GitRemoteDeleteRequest delete => (await AskAsync<GitRemoteDeleteRequest, GitRemoteDeleteResponse>(type, delete)).Approval,
            _ => throw new ArgumentException("that is no transfer", nameof(request)),
        };
        return await EndAsync(asked);
    }

    /// <summary>Allows what was asked, and waits for its end.</summary>
    public async Task<ApprovalInfo> EndAsync(ApprovalInfo asked)
    {
        await Phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        ApprovalInfo? ended = null;
        await Wait.UntilAsync(
            async () =>
            {
                var list = await Phone.Device.AskAsync(MessageTypes.ApprovalsList, new ApprovalsListRequest(Pending: false),
                    ProtocolJson.Default.ApprovalsListRequest, ProtocolJson.Default.ApprovalsListResponse);
                ended = list.Approvals.FirstOrDefault(a => a.ApprovalId == asked.ApprovalId);
                return ended is { State: ApprovalState.Finished or ApprovalState.Unknown or ApprovalState.Withdrawn };
            },
            "the end of what was allowed");
        return ended!;
    }

    /// <summary>The same, and it must have gone well.</summary>
    public async Task<ApprovalInfo> DoneAsync<TRequest>(string type, TRequest request)
    {
        var ended = await EndAsync(type, request);
        Assert.True(ended.Execution!.Failed == false, ended.Execution.Error);
        return ended;
    }

    public Task<ApprovalInfo> FetchAsync() => EndAsync(MessageTypes.GitFetch, new GitFetchRequest(Project));

    /// <summary>Runs a line as a person would in a terminal on the machine, outside of the product.</summary>
    public Task<string> ShellAsync(string commands) => ShellAsync(Folder, commands);

    public static Task<string> ShellAsync(string folder, string commands)
        => Shell.RunAsync(folder, commands, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Phone.DisposeAsync();
        if (!_borrowed)
        {
            await Daemon.DisposeAsync();
        }
    }
}
