using System.Text.Json.Serialization.Metadata;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Git;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>A daemon, a phone and a real repository as the project.</summary>
internal sealed class GitBench(TestDaemon daemon, Phone phone) : IAsyncDisposable
{
    public TestDaemon Daemon { get; } = daemon;

    public Phone Phone { get; } = phone;

    public Guid Project => Phone.Project.ProjectId;

    public string Folder => Phone.Project.Path;

    /// <param name="commands">Shell lines that make the repository, run in the project.</param>
    public static async Task<GitBench> StartAsync(string commands, SandboxKind sandbox = SandboxKind.Bubblewrap, IReadOnlyList<string>? ssh = null)
    {
        var daemon = await TestDaemon.StartAsync(sandbox: sandbox, ssh: ssh);
        var bench = new GitBench(daemon, await daemon.PhoneAsync());
        File.Delete(bench.Path("README.md"));
        await bench.ShellAsync($"git init -q -b main\ngit config user.name Ada\ngit config user.email ada@example.org\n{commands}");
        return bench;
    }

    public string Path(string file) => System.IO.Path.Combine(Folder, file);

    public Task WriteAsync(string file, string text) => File.WriteAllTextAsync(Path(file), text);

    public Task<string> ReadAsync(string file) => File.ReadAllTextAsync(Path(file));

    /// <summary>Asks, as the phone.</summary>
    public Task<TResponse> AskAsync<TRequest, TResponse>(string type, TRequest request)
        => Phone.Device.AskAsync(type, request, (JsonTypeInfo<TRequest>)ProtocolJson.Default.GetTypeInfo(typeof(TRequest))!, (JsonTypeInfo<TResponse>)ProtocolJson.Default.GetTypeInfo(typeof(TResponse))!);

    public async Task<WireError> RefusedAsync<TRequest, TResponse>(string type, TRequest request)
        => (await Assert.ThrowsAsync<WireErrorException>(() => AskAsync<TRequest, TResponse>(type, request))).Error;

    public Task<GitStatusResponse> StatusAsync() => AskAsync<GitStatusRequest, GitStatusResponse>(MessageTypes.GitStatus, new GitStatusRequest(Project));

    public Task<GitDiffResponse> DiffAsync(GitDiffScope scope, int context = 3, bool word = false, string? from = null, string? to = null)
        => AskAsync<GitDiffRequest, GitDiffResponse>(MessageTypes.GitDiff, new GitDiffRequest(Project, scope, from, to, Word: word, Context: context));

    public Task<GitStageResponse> StageAsync(params string[] paths) => AskAsync<GitStageRequest, GitStageResponse>(MessageTypes.GitStage, new GitStageRequest(Project, paths));

    public Task<GitCommitResponse> CommitAsync(string message) => AskAsync<GitCommitRequest, GitCommitResponse>(MessageTypes.GitCommit, new GitCommitRequest(Project, message));

    /// <summary>Runs a line as a person would in a terminal on the machine, outside of the product.</summary>
    public Task<string> ShellAsync(string commands) => ShellAsync(Folder, commands);

    public static Task<string> ShellAsync(string folder, string commands) => Shell.RunAsync(folder, commands, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Phone.DisposeAsync();
        await Daemon.DisposeAsync();
    }
}
