using System.Text.Json;
using System.Threading.Channels;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs;

/// <summary>Sends something to one who follows; waits while that one is slow.</summary>
internal delegate ValueTask RunSink(byte[] message);

/// <summary>
/// Pushes one run to one device: the head as it comes, and when it is over the tail and the end. Each reads from disk at its own pace, so a
/// slow one costs nothing.
/// </summary>
/// <param name="read">Bytes of the output from an offset on.</param>
internal sealed class RunFollower(LiveRun run, Func<long, int, ReadOnlyMemory<byte>> read, RunSink sink)
{
    /// <summary>Small writes go together.</summary>
    private static readonly TimeSpan s_batch = TimeSpan.FromMilliseconds(50);

    private readonly string _stream = $"run/{run.Info.RunId}";
    private readonly string _epoch = Guid.CreateVersion7().ToString("N");
    private long _seq;

    /// <summary>Until the end of the run, or of the device.</summary>
    public async Task RunAsync(long offset, CancellationToken cancellationToken)
    {
        try
        {
            var at = offset;
            while (true)
            {
                var changed = run.Changed;
                var over = run.Over.IsCompleted;
                at = await PushAsync(at, CommandLimits.HeadBytes, 0, over, cancellationToken);
                if (over)
                {
                    await EndAsync(at, run.Over.Result, cancellationToken);
                    return;
                }

                await changed.WaitAsync(cancellationToken);
                // the real clock: it waits for a real process
                await Task.WhenAny(run.Over, Task.Delay(s_batch, TimeProvider.System, cancellationToken));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            // the device went, or begins anew
        }
    }

    private async Task EndAsync(long at, CommandRunInfo final, CancellationToken cancellationToken)
    {
        var tail = Math.Max(at, run.Shown - CommandLimits.TailBytes);
        await PushAsync(tail, long.MaxValue, tail - at, final: true, cancellationToken);
        if (final.State == CommandRunState.TimedOut)
        {
            await sink(Message.Failure(
                final.RunId.ToString(),
                new WireError(ErrorCode.CommandTimeout, $"The command timed out after {final.TimeoutSeconds} s.",
                    new Dictionary<string, string>(StringComparer.Ordinal) { ["runId"] = final.RunId.ToString() })));
        }

        var exit = new CommandExitPayload(final.RunId, final.ExitCode, final.Signal, final.State == CommandRunState.TimedOut,
            final.State == CommandRunState.Cancelled, final.Truncated, final);
        await sink(Message.Event(MessageTypes.CommandExit, _stream, _epoch, ++_seq,
            JsonSerializer.SerializeToUtf8Bytes(exit, ProtocolJson.Default.CommandExitPayload)));
    }

    /// <returns>Where it got to.</returns>
    private async Task<long> PushAsync(long at, long end, long skipped, bool final, CancellationToken cancellationToken)
    {
        while (at < end)
        {
            var bytes = read(at, (int)Math.Min(CommandLimits.PieceBytes, end - at));
            if (skipped > 0)
            {
                var cut = Continuation(bytes.Span); // the rest of a character that was left out
                (at, bytes, skipped) = (at + cut, bytes[cut..], skipped + cut);
            }

            var last = final && bytes.Length < CommandLimits.PieceBytes && read(at + bytes.Length, 1).IsEmpty;
            var chunks = run.Pieces.Read(bytes.Span, at, more: !last, out var next);
            for (var i = 0; i < chunks.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var (begin, error, text, _) = chunks[i];
                var payload = new CommandOutputPayload(run.Info.RunId, begin, i + 1 < chunks.Count ? chunks[i + 1].Offset : next,
                    error ? null : text, error ? text : null, skipped);
                await sink(Message.Event(MessageTypes.CommandOutput, _stream, _epoch, ++_seq,
                    JsonSerializer.SerializeToUtf8Bytes(payload, ProtocolJson.Default.CommandOutputPayload)));
                skipped = 0;
            }

            if (next == at)
            {
                return at;
            }

            at = next;
        }

        return at;
    }

    private static int Continuation(ReadOnlySpan<byte> bytes)
    {
        var cut = 0;
        while (cut < Math.Min(3, bytes.Length) && bytes[cut] is >= 0x80 and < 0xC0)
        {
            cut++;
        }

        return cut;
    }
}
