using Microsoft.Extensions.Logging;
using PocketCoder.Accounts;
using PocketCoder.Gateway.Relay.Machines;

namespace PocketCoder.Gateway.Relay.Letters;

/// <summary>
/// Delivers letters, each machine's one after the other: when the machine connects, when one more is left for it, and again after a while
/// when it could not take them. Thread-safe; owns its work.
/// </summary>
internal sealed partial class LetterCarrier : IAsyncDisposable
{
    /// <summary>The machine's words (docs/protocol.md, "Letters").</summary>
    private const string Taken = "letter_taken";
    private const string Refused = "letter_refused";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_again = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new(); // guards the rounds
    private readonly Dictionary<string, Round> _rounds = new(StringComparer.Ordinal); // by machine
    private readonly LetterStore _letters;
    private readonly LinkedMachines _machines;
    private readonly SignIns _signIns;
    private readonly TimeProvider _time;
    private readonly ILogger _log;

    public LetterCarrier(LetterStore letters, LinkedMachines machines, SignIns signIns, TimeProvider time, ILogger<LetterCarrier> log)
    {
        (_letters, _machines, _signIns, _time, _log) = (letters, machines, signIns, time, log);
        machines.Added += Wake;
    }

    /// <summary>
    /// Looks soon whether letters wait for this machine, and delivers them. Never throws: trouble with letters keeps no machine out.
    /// </summary>
    public void Wake(string machine)
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            if (_rounds.TryGetValue(machine, out var round))
            {
                round.IsWanted = true;
                round.Called.TrySetResult();
                return;
            }

            _rounds[machine] = round = new Round();
            round.Running = Task.Run(() => RunAsync(machine, round));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _machines.Added -= Wake;
        List<Task> running;
        lock (_gate)
        {
            _stop.Cancel();
            running = [.. _rounds.Values.Select(r => r.Running)];
        }

        await Task.WhenAll(running);
        _stop.Dispose();
    }

    private async Task RunAsync(string machine, Round round)
    {
        try
        {
            while (true)
            {
                Task called;
                lock (_gate)
                {
                    round.IsWanted = false;
                    called = (round.Called = new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                }

                var isDone = await DeliverAsync(machine);
                lock (_gate)
                {
                    if (isDone && !round.IsWanted)
                    {
                        _rounds.Remove(machine);
                        return;
                    }
                }

                if (!isDone)
                {
                    await called.WaitAsync(s_again, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    _stop.Token.ThrowIfCancellationRequested();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the gateway stops
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            LogFailed(_log, machine, e.InnerException?.Message ?? e.Message);
            lock (_gate)
            {
                _rounds.Remove(machine);
            }
        }
    }

    /// <summary>Whether there is nothing to come back for: all is delivered, or the machine is away and its coming will tell.</summary>
    private async Task<bool> DeliverAsync(string machine)
    {
        foreach (var waiting in _letters.For(machine))
        {
            if (!_signIns.MayMeet(waiting.SignIn, machine))
            {
                _letters.Remove(waiting);
                LogForbidden(_log, machine, waiting.Id);
                continue;
            }

            if (_machines.FindLetterTaker(machine) is not { } endpoint)
            {
                return true;
            }

            // Null: it was taken back meanwhile, or can't be read; those behind it do not wait for that.
            if (_letters.Begin(waiting) is { } letter && !await DeliverAsync(endpoint, letter))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the machine took it, or never will.</summary>
    private async Task<bool> DeliverAsync(IMachineEndpoint machine, StoredLetter letter)
    {
        using var limit = new CancellationTokenSource(s_limit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, limit.Token);
        var link = new LetterLink($"letter-{letter.Id}", letter.Sealed);
        try
        {
            await machine.ServeAsync(link, both.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or Link.LinkException or LinkClosedException)
        {
            // It left, or took too long: it can take the letter again.
        }

        if (link.Outcome is not (Taken or Refused))
        {
            _letters.PutBack(letter);
            LogLater(_log, machine.MachineId, letter.Id, link.Outcome ?? "no answer");
            return false;
        }

        _letters.Remove(letter);
        LogDelivered(_log, machine.MachineId, letter.Id, link.Outcome);
        return true;
    }

    [LoggerMessage(EventId = 2071, Level = LogLevel.Information, Message = "Machine {Machine} was given letter {Letter}: {Outcome}")]
    private static partial void LogDelivered(ILogger log, string machine, string letter, string outcome);

    [LoggerMessage(EventId = 2072, Level = LogLevel.Warning, Message = "Machine {Machine} did not take letter {Letter} ({Outcome}); it waits")]
    private static partial void LogLater(ILogger log, string machine, string letter, string outcome);

    [LoggerMessage(EventId = 2073, Level = LogLevel.Information,
        Message = "Letter {Letter} for machine {Machine} is dropped: its sign-in may not meet the machine any more")]
    private static partial void LogForbidden(ILogger log, string machine, string letter);

    [LoggerMessage(EventId = 2074, Level = LogLevel.Error, Message = "The letters for machine {Machine} can't be delivered: {Why}")]
    private static partial void LogFailed(ILogger log, string machine, string why);

    /// <summary>Deliveries to one machine.</summary>
    private sealed class Round
    {
        /// <summary>Somebody asks for it while it is under way.</summary>
        public bool IsWanted { get; set; }

        public TaskCompletionSource Called { get; set; } = new();

        public Task Running { get; set; } = Task.CompletedTask;
    }
}
