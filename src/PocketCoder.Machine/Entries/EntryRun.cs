using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>One entry point at work, with the machine as it has it. Whatever it throws stays here. Thread-safe.</summary>
/// <param name="redact">Takes secrets out of what it says: a platform may quote what it was sent.</param>
internal sealed partial class EntryRun(
    IEntryPoint point, EntryMachine machine, Func<string, string> redact, TimeProvider time, ILogger logger)
{
    /// <summary>Longer than an entry point may take, so that its own words are heard.</summary>
    internal static readonly TimeSpan TestLimit = TimeSpan.FromSeconds(25);

    private EntryStatus? _ended;

    public string Platform => point.Platform;

    public EntryStatus Status => Volatile.Read(ref _ended) ?? (point.Status is { Reason: { } reason } said
        ? said with { Reason = redact(reason) } : point.Status);

    /// <summary>Serves until it is told to stop. Never throws.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await Task.Yield(); // not within the start
        await using var _ = machine;
        try
        {
            await point.RunAsync(machine, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The daemon stops.
        }
        catch (Exception e)
        {
            Volatile.Write(ref _ended, new EntryStatus(
                EntryState.Failed, time.GetUtcNow(), "It failed, and is away until the next start. See why: pocketcoder logs"));
            LogEnded(logger, Platform, e);
        }
    }

    /// <summary>Asks the platform whether it takes what was set.</summary>
    /// <returns>What was found, each in a sentence.</returns>
    /// <exception cref="RequestFailure">UNAVAILABLE: it does not, or says nothing within <see cref="TestLimit"/>; the message says
    /// why.</exception>
    public async Task<IReadOnlyList<string>> TestAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(TestLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            return [.. (await point.TestAsync(machine, either.Token).WaitAsync(either.Token)).Select(redact)];
        }
        catch (EntryRefusal e)
        {
            throw new RequestFailure(e.Error.Code, redact(e.Error.Message));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new RequestFailure(ErrorCode.Unavailable, $"{Platform} said nothing within {TestLimit.TotalSeconds:0} s.");
        }
    }

    [LoggerMessage(EventId = 222, Level = LogLevel.Error, Message = "{Platform} is away until the next start: it failed")]
    private static partial void LogEnded(ILogger logger, string platform, Exception error);
}
