namespace PocketCoder.Agents.Shared;

/// <summary>
/// What we do for a program beside reading it: commands it asked us to run, answers that take time. Each belongs to the turn it was begun
/// in and ends with that. Thread-safe.
/// </summary>
/// <param name="failed">One of them threw what it must not: a bug of ours, for whose answer the program would wait for ever.</param>
internal sealed class TurnActs(TimeProvider time, Func<Exception, Task> failed) : IDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);

    private readonly Lock _acting = new(); // guards what follows
    private CancellationTokenSource _ofTurn = new();
    private Task _acts = Task.CompletedTask;

    public void Begin(List<Func<CancellationToken, Task>> fresh)
    {
        lock (_acting)
        {
            foreach (var act in fresh)
            {
                _acts = Task.WhenAll(_acts, ActAsync(act, _ofTurn.Token));
            }
        }
    }

    /// <summary>Stops those of this turn and waits for them, 10 s at most; commands are killed.</summary>
    public async Task StopAsync()
    {
        Task running;
        CancellationTokenSource old;
        lock (_acting)
        {
            (old, _ofTurn) = (_ofTurn, new CancellationTokenSource());
            running = _acts;
        }

        await old.CancelAsync();
        await Task.WhenAny(running, Task.Delay(s_grace, time));
        old.Dispose();
    }

    public void Dispose() => _ofTurn.Dispose();

    private async Task ActAsync(Func<CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            await act(cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or AgentException)
        {
            // the turn was stopped, or the program is gone: nobody waits for it
        }
        catch (Exception e)
        {
            await failed(e);
        }
    }
}
