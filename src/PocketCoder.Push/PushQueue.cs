namespace PocketCoder.Push;

/// <summary>A message on its way.</summary>
/// <param name="Receiver">Who gets it; its messages keep their order.</param>
/// <param name="Until">It is worth nothing afterwards.</param>
/// <param name="Spare">It goes first when there is no room.</param>
public sealed record PushJob(string Receiver, PushTarget To, PushMessage Message, DateTimeOffset Until, bool Spare);

/// <summary>
/// Messages that wait for their push service: one at a time for each device, so that they keep their order. A message takes the place of
/// one that waits under its topic. Full (<see cref="Capacity"/>): the oldest spare one goes, else the oldest. What fails for now is tried
/// <see cref="MostTries"/> times, with pauses that double, or as long as the push service says; the device's other messages wait
/// meanwhile. In memory only. Thread-safe.
/// </summary>
/// <param name="send">Gives a message to its push service. Its failures are outcomes.</param>
/// <param name="ended">Told what became of each message at last, and of each try. Must not throw and not block.</param>
public sealed class PushQueue(
    Func<PushTarget, PushMessage, CancellationToken, Task<PushOutcome>> send, Action<PushJob, PushOutcome> ended, TimeProvider time)
{
    public const int Capacity = 256;

    internal const int MostTries = 6;

    /// <summary>Messages that are given to push services at one time.</summary>
    private const int Workers = 4;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly List<Waiting> _waiting = [];
    private readonly Dictionary<string, Waiting> _busy = new(StringComparer.Ordinal); // by receiver: what is being sent
    private readonly Dictionary<string, Pause> _pauses = new(StringComparer.Ordinal);
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>Messages that wait, without those that are being sent.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Takes a message; never waits.</summary>
    /// <returns>A message that had to go to make room; null: none.</returns>
    public PushJob? Offer(PushJob job)
    {
        lock (_gate)
        {
            _waiting.RemoveAll(w => w.Job.Receiver == job.Receiver && w.Job.Message.Topic == job.Message.Topic);
            PushJob? gone = null;
            if (_waiting.Count >= Capacity)
            {
                var first = _waiting.FindIndex(w => w.Job.Spare);
                first = first < 0 ? 0 : first;
                gone = _waiting[first].Job;
                _waiting.RemoveAt(first);
            }

            _waiting.Add(new Waiting(job));
            Signal();
            return gone;
        }
    }

    /// <summary>Drops all that waits for a device. What is being sent at this moment is not tried again.</summary>
    public void Forget(string receiver)
    {
        lock (_gate)
        {
            _waiting.RemoveAll(w => w.Job.Receiver == receiver);
            _pauses.Remove(receiver);
            if (_busy.TryGetValue(receiver, out var sent))
            {
                sent.Forgotten = true;
            }

            Signal();
        }
    }

    /// <summary>Sends until it is cancelled. Once.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
        => Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync(cancellationToken)));

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var (next, wait, changed) = Take();
            if (next is null)
            {
                try
                {
                    await changed.WaitAsync(wait, time, cancellationToken);
                }
                catch (TimeoutException)
                {
                    // A pause is over.
                }
                catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
                {
                    return;
                }

                continue;
            }

            try
            {
                var outcome = await send(next.Job.To, next.Job.Message, cancellationToken);
                Ended(next, outcome);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was, the other messages go on.
                Ended(next, new PushOutcome(PushResult.Refused, null, null, $"The message can't be sent ({e.GetType().Name})."));
            }
        }
    }

    private (Waiting? Next, TimeSpan Wait, Task Changed) Take()
    {
        lock (_gate)
        {
            _waiting.RemoveAll(w => w.Job.Until <= time.GetUtcNow());
            var soonest = Timeout.InfiniteTimeSpan;
            foreach (var one in _waiting)
            {
                var receiver = one.Job.Receiver;
                if (_busy.ContainsKey(receiver))
                {
                    continue;
                }

                if (_pauses.TryGetValue(receiver, out var pause) && pause.Length - time.GetElapsedTime(pause.Since) is { Ticks: > 0 } left)
                {
                    soonest = soonest == Timeout.InfiniteTimeSpan || left < soonest ? left : soonest;
                    continue;
                }

                _pauses.Remove(receiver);
                _waiting.Remove(one);
                _busy.Add(receiver, one);
                return (one, default, Task.CompletedTask);
            }

            return (null, soonest, _changed.Task);
        }
    }

    private void Ended(Waiting one, PushOutcome outcome)
    {
        lock (_gate)
        {
            var receiver = one.Job.Receiver;
            _busy.Remove(receiver);
            one.Tries++;
            if (one.Forgotten)
            {
                // It says nothing about who has this name now.
            }
            else if (outcome.Result == PushResult.TryLater)
            {
                var pause = outcome.RetryAfter ?? s_firstPause * Math.Pow(2, one.Tries - 1);
                _pauses[receiver] = new Pause(time.GetTimestamp(), pause);
                if (one.Tries < MostTries
                    && !_waiting.Exists(w => w.Job.Receiver == receiver && w.Job.Message.Topic == one.Job.Message.Topic))
                {
                    _waiting.Insert(0, one);
                }
            }
            else if (outcome.Result == PushResult.Gone)
            {
                _waiting.RemoveAll(w => w.Job.Receiver == receiver);
            }

            Signal();
        }

        ended(one.Job, outcome);
    }

    private void Signal()
    {
        var changed = _changed;
        _changed = NewSignal();
        changed.SetResult();
    }

    private sealed class Waiting(PushJob job)
    {
        public PushJob Job { get; } = job;

        public int Tries { get; set; }

        /// <summary>Its receiver was forgotten while it was being sent.</summary>
        public bool Forgotten { get; set; }
    }

    private sealed record Pause(long Since, TimeSpan Length);
}
