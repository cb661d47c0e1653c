using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using PocketCoder.Hands.Execution;

namespace PocketCoder.Hands.Docker;

/// <summary>A command in a container. The engine sends both outputs on one connection, in frames of a stream's number and a length (Engine API, "Stream format").</summary>
internal sealed class DockerExec : ISandboxExec
{
    private const int HeaderLength = 8, ErrorStream = 2;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    private readonly string exec;
    private readonly Stream connection;
    private readonly IDisposable client;
    private readonly Engine engine;
    private readonly DockerSandbox sandbox;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource timeLimit;
    private readonly Pipe output = new(new PipeOptions(pauseWriterThreshold: 256 << 10, resumeWriterThreshold: 128 << 10));
    private readonly Pipe errors = new(new PipeOptions(pauseWriterThreshold: 256 << 10, resumeWriterThreshold: 128 << 10));
    private volatile bool killed, timedOut;

    public DockerExec(ExecSpec spec, string exec, Stream connection, Socket socket, IDisposable client, Engine engine, DockerSandbox sandbox, Func<TimeSpan> duration, TimeProvider time)
    {
        Id = spec.Id;
        this.exec = exec;
        this.connection = connection;
        this.client = client;
        this.engine = engine;
        this.sandbox = sandbox;
        this.time = time;
        timeLimit = spec.TimeLimit is { } limit ? new CancellationTokenSource(limit, time) : new CancellationTokenSource();
        StandardInput = spec.KeepInputOpen ? new InputStream(connection, socket) : Stream.Null;
        StandardOutput = output.Reader.AsStream();
        StandardError = errors.Reader.AsStream();
        Exited = FinishAsync(duration);
    }

    public string Id { get; }

    public int? HostPid => null;

    public Stream StandardInput { get; }

    public Stream StandardOutput { get; }

    public Stream StandardError { get; }

    public string? SpoolDirectory => null;

    public Task<ExecOutcome> Exited { get; }

    public Task InterruptAsync() => sandbox.SignalAsync(Id, "INT", CancellationToken.None);

    public async Task KillAsync(TimeSpan grace)
    {
        if (Exited.IsCompleted)
        {
            return;
        }

        killed = true;
        if (grace > TimeSpan.Zero)
        {
            await sandbox.SignalAsync(Id, "TERM", CancellationToken.None);
            if (await Task.WhenAny(Exited, Task.Delay(grace, time)) == Exited)
            {
                return;
            }
        }

        await EndAsync();
        await Exited;
    }

    public async ValueTask DisposeAsync()
    {
        await output.Reader.CompleteAsync(); // whoever waits for room goes on
        await errors.Reader.CompleteAsync();
        await KillAsync(TimeSpan.Zero);
        client.Dispose();
        timeLimit.Dispose();
    }

    private async Task<ExecOutcome> FinishAsync(Func<TimeSpan> duration)
    {
        var reading = DistributeAsync();
        var ended = EndedAsync();
        int code;
        try
        {
            code = await ended.WaitAsync(timeLimit.Token);
        }
        catch (OperationCanceledException)
        {
            timedOut = true;
            await EndAsync();
            code = await ended;
        }

        await EndAsync(); // what it left behind holds the outputs open
        await Task.WhenAny(reading, Task.Delay(EndLimit, time));
        return ExecOutcomes.From(code, duration(), timedOut, killed, lost: code < 0);
    }

    /// <summary>The engine has no event for one command's end on this connection while leftovers hold it, so it is asked.</summary>
    private async Task<int> EndedAsync()
    {
        try
        {
            while (true)
            {
                var state = await engine.CallAsync(HttpMethod.Get, $"/exec/{exec}/json", null, CancellationToken.None, missingIsNull: true);
                if (state is null)
                {
                    return -1;
                }

                if (state["Running"]?.GetValue<bool>() == false && state["ExitCode"] is JsonValue code)
                {
                    return await sandbox.RunsAsync(CancellationToken.None) ? code.GetValue<int>() : -1;
                }

                await Task.Delay(Poll);
            }
        }
        catch (SandboxException)
        {
            return -1; // the engine is gone
        }
    }

    private async Task EndAsync()
    {
        try
        {
            await sandbox.SweepAsync(Id, CancellationToken.None);
        }
        catch (SandboxException)
        {
            // the container is gone, and with it all that ran in it
        }
    }

    private async Task DistributeAsync()
    {
        var header = new byte[HeaderLength];
        var buffer = new byte[16 << 10];
        try
        {
            while (await connection.ReadAtLeastAsync(header, HeaderLength, throwOnEndOfStream: false) == HeaderLength)
            {
                var target = header[0] == ErrorStream ? errors.Writer : output.Writer;
                for (var left = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4)); left > 0;)
                {
                    var read = await connection.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, (uint)buffer.Length)));
                    if (read == 0)
                    {
                        return;
                    }

                    await target.WriteAsync(buffer.AsMemory(0, read));
                    left -= (uint)read;
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or SocketException)
        {
            // the engine or the container went away
        }
        finally
        {
            await output.Writer.CompleteAsync();
            await errors.Writer.CompleteAsync();
        }
    }

    /// <summary>Writes to the connection; closing ends that direction only.</summary>
    private sealed class InputStream(Stream connection, Socket socket) : Stream
    {
        private bool closed;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
            // nothing is kept back
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => connection.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Write it asynchronously.");

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => connection.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        protected override void Dispose(bool disposing)
        {
            if (disposing && !closed)
            {
                closed = true;
                try
                {
                    socket.Shutdown(SocketShutdown.Send);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // it is closed already
                }
            }

            base.Dispose(disposing);
        }
    }
}
