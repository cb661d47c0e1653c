using System.Threading.Channels;

namespace PocketCoder.Agents.Shared;

/// <summary>
/// The events of one agent process: bounded while it runs (a writer waits for the reader), and always closed by one
/// <see cref="AgentEnded"/>. Thread-safe.
/// </summary>
internal sealed class EventPipe
{
    /// <summary>Events that may wait for the reader. Deltas are small; a few hundred are some 100 KB.</summary>
    public const int Capacity = 512;

    private readonly Channel<AgentEvent> _channel = Channel.CreateBounded<AgentEvent>(
        new BoundedChannelOptions(Capacity) { SingleReader = true });
    private int _ended;

    public ChannelReader<AgentEvent> Reader => _channel.Reader;

    /// <summary>Whether the last event is written, or about to be as soon as there is room.</summary>
    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    public ValueTask WriteAsync(AgentEvent item, CancellationToken cancellationToken)
        => _channel.Writer.WriteAsync(item, cancellationToken);

    /// <summary>Writes at once, or not at all: for what must be written under a lock.</summary>
    /// <returns>Whether there was room.</returns>
    public bool TryWrite(AgentEvent item) => _channel.Writer.TryWrite(item);

    /// <returns>False: it is closed, and there never will be room again.</returns>
    public ValueTask<bool> WaitForRoomAsync(CancellationToken cancellationToken) => _channel.Writer.WaitToWriteAsync(cancellationToken);

    /// <summary>
    /// Writes the last event and closes; only the first call counts. The returned task ends when the event found room, which may be
    /// never when nobody reads any more: whoever disposes must not await it.
    /// </summary>
    public async Task EndAsync(AgentEnded last)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        await _channel.Writer.WriteAsync(last);
        _channel.Writer.TryComplete();
    }
}
