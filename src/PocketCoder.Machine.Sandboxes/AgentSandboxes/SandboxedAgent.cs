using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Sandboxes;
using PocketCoder.Processes;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>An agent's program in its sandbox. With it end the sandbox and its way to the models.</summary>
internal sealed class SandboxedAgent : IAgentChild
{
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(15);

    private readonly ISandbox _sandbox;
    private readonly ISandboxExec _exec;
    private readonly ModelEndpoint _models;
    private int _disposed;

    /// <param name="exec">Runs already.</param>
    /// <param name="identity">Its process.</param>
    public SandboxedAgent(ISandbox sandbox, ISandboxExec exec, ProcessIdentity identity, ModelEndpoint models)
    {
        (_sandbox, _exec, Identity, _models) = (sandbox, exec, identity, models);
        Exited = ExitAsync(exec);
    }

    public ProcessIdentity Identity { get; }

    public Stream StandardInput => _exec.StandardInput;

    public Stream StandardOutput => _exec.StandardOutput;

    public Stream StandardError => _exec.StandardError;

    public Task<int> Exited { get; }

    public async Task<Stream> ConnectAsync(int port, CancellationToken cancellationToken)
        => await SandboxConnection.OpenAsync(_sandbox, port, cancellationToken);

    public async Task<bool> KillAsync(TimeSpan grace)
    {
        await _exec.KillAsync(grace);
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _exec.DisposeAsync();
            await _models.DisposeAsync(); // before the sandbox: its socket lies in the sandbox's folder
            await EndAsync(_sandbox);
        }
    }

    /// <summary>Ends a sandbox. What can't be ended now is ended by the next start of the daemon.</summary>
    public static async Task EndAsync(ISandbox sandbox)
    {
        try
        {
            using var limit = new CancellationTokenSource(s_endLimit);
            await sandbox.KillAsync(limit.Token);
        }
        catch (Exception e) when (e is SandboxException or OperationCanceledException)
        {
            // Its folder says what it is; recovery at the next start cleans it.
        }
    }

    private static async Task<int> ExitAsync(ISandboxExec exec) => (await exec.Exited).ExitCode;
}
