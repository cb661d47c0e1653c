using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using PocketCoder.Sandboxes.Execution;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Docker;

/// <summary>
/// A command in a container. The engine sends both outputs on one connection, in frames of a stream's number and a length (Engine API,
/// "Stream format").
/// </summary>
internal sealed class DockerExec : ISandboxExec
{
    private const int HeaderLength = 8, ErrorStream = 2;

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_endLimit = TimeSpan.FromSeconds(10);

    private readonly string _exec;
    private readonly Stream _connection;
    private readonly IDisposable _client;
    private readonly Engine _engine;
    private readonly DockerSandbox _sandbox;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _timeLimit;
    private readonly Pipe _output = new(new PipeOptions(pauseWriterThreshold: 256 << 10, resumeWriterThreshold: 128 << 10));
    private readonly Pipe _errors = new(new PipeOptions(pauseWriterThreshold: 256 << 10, resumeWriterThreshold: 128 << 10));
    private volatile bool _killed, _timedOut;

    public DockerExec(ExecSpec spec, string exec, Stream connection, Socket socket, IDisposable client, Engine engine,
        DockerSandbox sandbox, Func<TimeSpan> duration, TimeProvider time)
    {
        Id = spec.Id;
        _exec = exec;
        _connection = connection;
        _client = client;
        _engine = engine;
        _sandbox = sandbox;
        _time = time;
        _timeLimit = spec.TimeLimit is { } limit ? new CancellationTokenSource(limit, time) : new CancellationTokenSource();
        StandardInput = spec.KeepInputOpen ? new InputStream(connection, socket) : Stream.Null;
        StandardOutput = _output.Reader.AsStream();
        StandardError = _errors.Reader.AsStream();
        Exited = FinishAsync(duration);
    }

    public string Id { get; }

    public int? HostPid => null;

    public Stream StandardInput { get; }

    public Stream StandardOutput { get; }

    public Stream StandardError { get; }

    public string? SpoolDirectory => null;

    public Task<ExecOutcome> Exited { get; }

    public Task InterruptAsync() => _sandbox.SignalAsync(Id, "INT", CancellationToken.None);

    public async Task KillAsync(TimeSpan grace)
    {
        if (Exited.IsCompleted)
        {
            return;
        }

        _killed = true;
        if (grace > TimeSpan.Zero)
        {
            await _sandbox.SignalAsync(Id, "TERM", CancellationToken.None);
            if (await Task.WhenAny(Exited, Task.Delay(grace, _time)) == Exited)
            {
                return;
            }
        }

        await EndAsync();
        await Exited;
    }

    public async ValueTask DisposeAsync()
    {
        await _output.Reader.CompleteAsync(); // whoever waits for room goes on
        await _errors.Reader.CompleteAsync();
        await KillAsync(TimeSpan.Zero);
        _client.Dispose();
        _timeLimit.Dispose();
    }

    private async Task<ExecOutcome> FinishAsync(Func<TimeSpan> duration)
    {
        var reading = DistributeAsync();
        var ended = EndedAsync();
        int code;
        try
        {
            code = await ended.WaitAsync(_timeLimit.Token);
        }
        catch (OperationCanceledException)
        {
            _timedOut = true;
            await EndAsync();
            code = await ended;
        }

        await EndAsync(); // what it left behind holds the outputs open
        await Task.WhenAny(reading, Task.Delay(s_endLimit, _time));
        return ExecOutcomes.From(code, duration(), _timedOut, _killed, lost: code < 0);
    }

    /// <summary>The engine has no event for one command's end on this connection while leftovers hold it, so it is asked.</summary>
    private async Task<int> EndedAsync()
    {
        try
        {
            while (true)
            {
                var state = await _engine.CallAsync(
                    HttpMethod.Get, $"/exec/{_exec}/json", null, CancellationToken.None, missingIsNull: true);
                if (state is null)
                {
                    return -1;
                }

                if (state["Running"]?.GetValue<bool>() == false && state["ExitCode"] is JsonValue code)
                {
                    return await _sandbox.RunsAsync(CancellationToken.None) ? code.GetValue<int>() : -1;
                }

                await Task.Delay(s_poll);
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
            await _sandbox.SweepAsync(Id, CancellationToken.None);
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
            while (await _connection.ReadAtLeastAsync(header, HeaderLength, throwOnEndOfStream: false) == HeaderLength)
            {
                var target = header[0] == ErrorStream ? _errors.Writer : _output.Writer;
                for (var left = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4)); left > 0;)
                {
                    var read = await _connection.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, (uint)buffer.Length)));
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
            await _output.Writer.CompleteAsync();
            await _errors.Writer.CompleteAsync();
        }
    }

    /// <summary>Writes to the connection; closing ends that direction only.</summary>
    private sealed class InputStream(Stream connection, Socket socket) : ForwardStream
    {
        private bool _closed;

        public override bool CanRead => false;

        public override bool CanWrite => true;

        public override void Flush()
        {
            // nothing is kept back
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => connection.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Write it asynchronously.");

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            => connection.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_closed)
            {
                _closed = true;
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
