namespace PocketCoder.Testing;

/// <summary>Waits for a condition with a limit; tests never sleep for luck.</summary>
public static class Wait
{
    /// <summary>
    /// How long a condition may take before the test fails. It tells a program that hangs from one that is slow, on a busy machine too: it
    /// is no measure of speed.
    /// </summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Polls <paramref name="condition"/> every 10 ms until it holds.</summary>
    /// <exception cref="TimeoutException">The condition did not hold within the limit.</exception>
    public static async Task UntilAsync(Func<ValueTask<bool>> condition, string what, TimeSpan? limit = null)
    {
        using var cancel = new CancellationTokenSource(limit ?? Limit);
        while (!await condition())
        {
            try
            {
                await Task.Delay(10, cancel.Token);
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException($"waited {(limit ?? Limit).TotalSeconds:0} s for: {what}", e);
            }
        }
    }

    /// <inheritdoc cref="UntilAsync(Func{ValueTask{bool}}, string, TimeSpan?)"/>
    public static Task UntilAsync(Func<bool> condition, string what, TimeSpan? limit = null)
        => UntilAsync(() => ValueTask.FromResult(condition()), what, limit);
}
