using PocketCoder.Sandboxes;
using PocketCoder.Processes;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>
/// A connection to a port of a sandbox's own loopback, through a program inside that copies both ways. There is no socket file for it: one
/// in a folder of the agent's could be made to lead elsewhere. For one reader and one writer. Closing it ends the program.
/// </summary>
internal sealed class SandboxConnection : ForwardStream
{
    private readonly ISandboxExec _exec;
    private readonly Task _errors;
    private int _disposed;

    private SandboxConnection(ISandboxExec exec)
    {
        _exec = exec;
        _errors = DrainAsync(exec.StandardError);
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    /// <exception cref="IOException">The program could not be started. That nothing listens shows when it is read: the stream
    /// ends.</exception>
    public static async Task<SandboxConnection> OpenAsync(ISandbox sandbox, int port, CancellationToken cancellationToken)
    {
        try
        {
            var exec = await sandbox.ExecAsync(
                new ExecSpec
                {
                    Command = ["socat", "STDIO", $"TCP:127.0.0.1:{port},nodelay"],
                    KeepInputOpen = true,
                    Id = $"c{Guid.CreateVersion7():N}"
                },
                cancellationToken);
            return new SandboxConnection(exec);
        }
        catch (SandboxException e)
        {
            throw new IOException(e.Message, e);
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        => _exec.StandardOutput.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _exec.StandardInput.WriteAsync(buffer, cancellationToken);
        await _exec.StandardInput.FlushAsync(cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => _exec.StandardInput.FlushAsync(cancellationToken);

    public override void Flush() => throw new NotSupportedException("Only asynchronously.");

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronously.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Only asynchronously.");

    public override async ValueTask DisposeAsync()
    {
        await EndAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _ = EndAsync(); // an HTTP client only knows this way; what it leaves ends with the sandbox at the latest
        }

        base.Dispose(disposing);
    }

    private async Task EndAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _exec.DisposeAsync();
            await _errors;
        }
    }

    private static async Task DrainAsync(Stream errors)
    {
        try
        {
            await errors.CopyToAsync(Null);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // it is closed
        }
    }
}
