using PocketCoder.Ledger;

namespace PocketCoder.Machine.Storage;

/// <summary>
/// Whether the database can be written, as its last writes told, for those who wait until it can and for the people who can change it.
/// Thread-safe; the lock guards the fields.
/// </summary>
public sealed class WriteHealth : IDisposable
{
    /// <summary>
    /// Writes that may wait at once (<see cref="Store.MustWriteAsync"/>): each is the end of something that ran, of which there are far
    /// fewer.
    /// </summary>
    public const int MostWaiting = 4096;

    /// <summary>How long to wait before something is tried again.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Without this much room a write that worked had only found some in the log.</summary>
    private const long Sandbox = 4 << 20;

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopping;
    private readonly TimeProvider _time;
    private readonly Func<long> _freeBytes;
    private int _waiting;
    private string? _problem;
    private ITimer? _look;
    private bool _disposed;

    /// <param name="freeBytes">Free bytes where the database is. Null: always enough.</param>
    public WriteHealth(TimeProvider time, Func<long>? freeBytes = null)
        => (_time, _stopping, _freeBytes) = (time, _stop.Token, freeBytes ?? (static () => long.MaxValue));

    /// <summary>Raised when <see cref="Problem"/> is another one; on any thread, outside of the lock.</summary>
    public event Action? Changed;

    /// <summary>Why nothing can be recorded and what to do, for people; null: it can.</summary>
    public string? Problem
    {
        get
        {
            lock (_gate)
            {
                return _problem;
            }
        }
    }

    /// <summary>Whether a failed write may succeed later: the disk is full, or can't be written just now. Nothing of it was kept.</summary>
    public static bool Passes(LedgerException e)
        => e.Error is LedgerError.DiskFull or LedgerError.Io or LedgerError.Busy or LedgerError.ReadOnly or LedgerError.Distrusted;

    public void Failed(LedgerException e)
    {
        if (e.Error is LedgerError.DiskFull or LedgerError.Io or LedgerError.ReadOnly)
        {
            Set(e.Error == LedgerError.DiskFull
                ? "The disk is full, so nothing can be recorded: nothing new is accepted or begun, and what ends is recorded when there is room. Free some space on the disk with PocketCoder's home."
                : $"The database can't be written, so nothing new is accepted or begun, and what ends is recorded when it can: {e.Message}");
        }
    }

    /// <summary>Something was written.</summary>
    public void Worked()
    {
        if (Volatile.Read(ref _problem) is not null && HasRoom())
        {
            Set(null);
        }
    }

    /// <summary>A little later, or when the daemon stops.</summary>
    public Task AgainAsync() => Task.Delay(RetryAfter, _time, _stopping)
        .ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>The daemon stops: nothing waits any longer.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _look?.Dispose();
        }

        _stop.Cancel();
        _stop.Dispose();
    }

    private bool HasRoom()
    {
        try
        {
            return _freeBytes() >= Sandbox;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true; // then only the writes can tell
        }
    }

    private void Set(string? problem)
    {
        lock (_gate)
        {
            if (_problem == problem || _disposed)
            {
                return;
            }

            _problem = problem;
            _look ??= _time.CreateTimer(_ => Worked(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            // nobody may write before there is room
            _look.Change(problem is null ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
        }

        Changed?.Invoke();
    }

    /// <summary>One write that waits, from its first failure on.</summary>
    internal sealed class Waiting(WriteHealth health) : IDisposable
    {
        private bool _counted;

        public bool MayWait()
        {
            lock (health._gate)
            {
                if (!_counted && health._waiting < MostWaiting)
                {
                    health._waiting++;
                    _counted = true;
                }

                return _counted && !health._disposed;
            }
        }

        public void Dispose()
        {
            lock (health._gate)
            {
                health._waiting -= _counted ? 1 : 0;
            }
        }
    }
}
