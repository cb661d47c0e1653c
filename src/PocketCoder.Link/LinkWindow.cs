namespace PocketCoder.Link;

/// <summary>
/// How much one side may send for one device before the other has passed it on: one device that takes nothing must not hold up the rest,
/// which share its connection. Thread-safe; <see cref="TakeAsync"/> is for one caller at a time.
/// </summary>
public sealed class LinkWindow
{
    /// <summary>Bytes of frames under way for one device in one direction.</summary>
    public const int Bytes = 256 * 1024;

    private readonly Lock _gate = new(); // guards _free and _waiting
    private int _free = Bytes;
    private TaskCompletionSource? _waiting;

    /// <summary>Waits until so many bytes may be sent, and counts them.</summary>
    /// <param name="bytes">At most <see cref="LinkFrame.MaxRest"/>.</param>
    public async ValueTask TakeAsync(int bytes, CancellationToken ct)
    {
        while (true)
        {
            Task waiting;
            lock (_gate)
            {
                if (_free >= bytes)
                {
                    _free -= bytes;
                    return;
                }

                _waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting = _waiting.Task;
            }

            await waiting.WaitAsync(ct);
        }
    }

    /// <summary>The other side passed so many bytes on.</summary>
    /// <exception cref="LinkException"><see cref="LinkError.WindowExceeded"/>: it never got so many.</exception>
    public void Give(int bytes)
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            if (bytes > Bytes - _free)
            {
                throw new LinkException(LinkError.WindowExceeded, "More was passed on than was sent.");
            }

            _free += bytes;
            (waiting, _waiting) = (_waiting, null);
        }

        waiting?.TrySetResult();
    }
}
