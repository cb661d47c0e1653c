using System.Threading.Channels;

namespace PocketCoder.Machine.Connections;

/// <summary>
/// Messages that wait to be sealed and sent to one device, bounded by number and by bytes: whoever has one more waits until the device
/// has taken some. Any number of writers, one reader. Thread-safe.
/// </summary>
internal sealed class OutgoingQueue
{
    /// <summary>Messages that may wait.</summary>
    private const int MostMessages = 256;

    /// <summary>With this many bytes waiting the next message waits outside; so one message more than this is held at most.</summary>
    private const int MostBytes = 1 << 20;

    private readonly Channel<byte[]> _messages = Channel.CreateUnbounded<byte[]>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Lock _gate = new(); // guards _bytes, _count, _room, _empty
    private TaskCompletionSource? _room; // null: nobody waits for room
    private TaskCompletionSource? _empty; // null: nobody waits for that
    private long _bytes;
    private int _count;

    /// <summary>Adds a message; waits while there is no room.</summary>
    /// <exception cref="ChannelClosedException">The connection is over.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while it waited.</exception>
    public async ValueTask WriteAsync(byte[] message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        while (true)
        {
            Task? room = null;
            lock (_gate)
            {
                if (_bytes < MostBytes && _count < MostMessages)
                {
                    _bytes += message.Length;
                    _count++;
                }
                else
                {
                    _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                    room = _room.Task;
                }
            }

            if (room is null)
            {
                // Counted already, so the lock is not needed for this.
                if (!_messages.Writer.TryWrite(message))
                {
                    throw new ChannelClosedException();
                }

                return;
            }

            await room.WaitAsync(cancellationToken);
        }
    }

    /// <summary>No message is taken from now on; those that wait can still be read.</summary>
    public void Complete()
    {
        _messages.Writer.TryComplete();
        lock (_gate)
        {
            (_bytes, _count) = (0, 0); // who waits comes in and learns that it is closed
            GiveRoom();
        }
    }

    /// <summary>Completes when every message that was added so far has been sent, or when it was completed.</summary>
    public Task WhenEmptyAsync()
    {
        lock (_gate)
        {
            if (_count <= 0)
            {
                return Task.CompletedTask;
            }

            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _empty.Task;
        }
    }

    /// <summary>The messages in their order. A message counts until the next one is asked for, which is when it was sent.</summary>
    public async IAsyncEnumerable<byte[]> ReadAllAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var message in _messages.Reader.ReadAllAsync(cancellationToken))
        {
            yield return message;
            lock (_gate)
            {
                _bytes -= message.Length;
                _count--;
                GiveRoom();
            }
        }
    }

    private void GiveRoom()
    {
        _room?.TrySetResult();
        _room = null;
        if (_count <= 0)
        {
            _empty?.TrySetResult();
            _empty = null;
        }
    }
}
