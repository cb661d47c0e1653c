namespace PocketCoder.Ledger;

/// <summary>A write on its way through the queue. Exactly one of cancellation and the writer gets to own it.</summary>
internal abstract class WriteRequest
{
    private const int Waiting = 0;
    private const int Taken = 1;

    private int _state;

    /// <summary>True once: for the writer that starts it, or for the cancellation that removes it.</summary>
    protected bool TryTake() => Interlocked.CompareExchange(ref _state, Taken, Waiting) == Waiting;

    /// <summary>What the work threw, once it ran.</summary>
    public Exception? Exception { get; protected set; }

    /// <summary>The writer takes it; false when it was cancelled while it waited.</summary>
    public abstract bool TryStart();

    /// <summary>Runs the work; what it returns or throws is kept until the group's outcome is known.</summary>
    /// <returns>False when the work threw, so that its savepoint must be rolled back.</returns>
    public abstract bool Run(LedgerTransaction transaction);

    /// <summary>The work's changes could not be kept although it returned.</summary>
    public void Spoil(Exception failure) => Exception ??= failure;

    /// <summary>The group is durable: the caller gets the work's own result or exception.</summary>
    public abstract void Complete();

    /// <summary>The group was not committed.</summary>
    public abstract void Fail(Exception failure);
}

internal sealed class WriteRequest<T>(Func<LedgerTransaction, T> work) : WriteRequest
{
    // The continuations are callers' code; they must not run on the writer.
    private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _registration;
    private T _result = default!;

    public Task<T> Task => _completion.Task;

    public void CancelWith(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(
                static (request, token) =>
                {
                    var self = (WriteRequest<T>)request!;
                    if (self.TryTake())
                    {
                        self._completion.TrySetCanceled(token);
                    }
                },
                this);
        }
    }

    public override bool TryStart()
    {
        if (!TryTake())
        {
            return false;
        }

        _registration.Unregister();
        return true;
    }

    public override bool Run(LedgerTransaction transaction)
    {
        try
        {
            _result = work(transaction);
            return true;
        }
        catch (Exception e)
        {
            // Whatever it is, it belongs to the caller who brought the work.
            Exception = e;
            return false;
        }
    }

    public override void Complete()
    {
        if (Exception is null)
        {
            _completion.TrySetResult(_result);
        }
        else
        {
            _completion.TrySetException(Exception);
        }
    }

    public override void Fail(Exception failure) => _completion.TrySetException(failure);
}
