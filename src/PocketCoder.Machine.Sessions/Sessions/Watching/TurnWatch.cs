using System.Globalization;
using PocketCoder.Agents;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Watching;

/// <summary>
/// Keeps in mind what a running turn last said, and from that tells why it is silent and whether it has been so for too long. Belongs to
/// one session's actor; only <see cref="Sign"/> may be called from other threads.
/// </summary>
internal sealed class TurnWatch(TurnLimits limits, TimeProvider time)
{
    /// <summary>Shorter silence is nothing to speak of: models think that long.</summary>
    public static readonly TimeSpan Remarkable = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, (string Title, DateTimeOffset Since)> _tools = new(StringComparer.Ordinal);
    private long _sign; // ticks of the last sign of life, UTC; written by the agent's reader too
    private DateTimeOffset _began;
    private DateTimeOffset _thinkingSince;
    private DateTimeOffset? _waitsSince;
    private TimeSpan _waited;
    private bool _starting;
    private string? _thinking;
    private Retry? _retry;
    private volatile bool _retryIsOver; // it got an answer, though not yet a whole one: the budget still counts
    private (ProcessState State, DateTimeOffset Since)? _process;

    private sealed record Retry(int Count, DateTimeOffset Since, DateTimeOffset At, AgentActivity Said);

    private DateTimeOffset Now => Instant.Truncate(time.GetUtcNow());

    /// <summary>Since when nothing was heard.</summary>
    public TimeSpan SilentFor => Now - LastSign;

    private DateTimeOffset LastSign => new(Interlocked.Read(ref _sign), TimeSpan.Zero);

    /// <summary>A turn begins; what came before is forgotten.</summary>
    public void Begin(bool starting)
    {
        _tools.Clear();
        (_began, _thinkingSince, _waitsSince, _waited) = (Now, Now, null, TimeSpan.Zero);
        (_starting, _thinking, _retry, _retryIsOver, _process) = (starting, null, null, false, null);
        Sign();
    }

    /// <summary>The agent's program runs and has its prompt.</summary>
    public void Started()
    {
        _starting = false;
        _thinkingSince = Now;
        Sign();
    }

    /// <summary>Something came from the agent, or a command of ours went on. From any thread.</summary>
    public void Sign() => Interlocked.Exchange(ref _sign, Now.UtcTicks);

    /// <summary>The machine asks a person, or no longer. Idempotent.</summary>
    public void Waits(bool waits)
    {
        if (waits == _waitsSince is not null)
        {
            return;
        }

        if (_waitsSince is { } since)
        {
            _waited += Now - since;
            _thinkingSince = Now;
            Sign(); // the person's time is not the agent's silence
        }

        _waitsSince = waits ? Now : null;
    }

    public void Heard(AgentEvent said)
    {
        Sign();
        switch (said)
        {
            case AgentActivity { Kind: ActivityKind.Retrying } retrying:
                _retry = new Retry((_retry?.Count ?? 0) + 1, _retry?.Since ?? Now, Now, retrying);
                _retryIsOver = false;
                break;
            case AgentActivity activity:
                (_thinking, _thinkingSince) = Same(activity.Kind == ActivityKind.Compacting ? "compacting its context" : null);
                break;
            case AgentToolUse use:
                _retry = null;
                _tools.TryAdd(use.ToolUseId, ($"{use.Name}: {ShortText.OneLine(use.Title)}", Now));
                break;
            case AgentToolResult result:
                _retry = null;
                _tools.Remove(result.ToolUseId);
                (_thinking, _thinkingSince) = (null, Now);
                break;
            case AgentBlock:
                _retry = null;
                break;
        }
    }

    /// <summary>What the operating system says of the agent's process.</summary>
    public void Saw(ProcessState state)
    {
        if (_process?.State != state)
        {
            _process = (state, Now);
        }
    }

    /// <summary>How long its process has been gone; null while it is there, or when nobody looked.</summary>
    public TimeSpan? GoneFor => _process is { State: ProcessState.Gone, Since: var since } ? Now - since : null;

    /// <summary>Part of an answer came: what was tried again works, as it looks.</summary>
    public void Answered() => _retryIsOver = true;

    public QuietInfo Why(bool isNetworkUp)
    {
        if (_process is { State: ProcessState.Gone, Since: var gone })
        {
            return new QuietInfo(QuietKind.Dead, gone);
        }

        if (_waitsSince is { } since)
        {
            return new QuietInfo(QuietKind.Waiting, since);
        }

        if (_starting)
        {
            return new QuietInfo(QuietKind.Starting, _began);
        }

        if (_retry is { } retry && !_retryIsOver)
        {
            // A status is an answer, and an answer needs a network.
            var kind = isNetworkUp || HasStatus(retry.Said.Detail) ? QuietKind.Retrying : QuietKind.Network;
            return new QuietInfo(
                kind, retry.Since, OneLine(retry.Said.Detail), retry.Said.Delay is { } delay ? Instant.Truncate(retry.At + delay) : null,
                retry.Said.Attempt is > 0 ? retry.Said.Attempt : retry.Count, retry.Said.MaxAttempts);
        }

        if (_tools.Count > 0)
        {
            var (title, started) = _tools.Values.MinBy(t => t.Since);
            return new QuietInfo(QuietKind.Tool, started, title);
        }

        if (SilentFor < Remarkable)
        {
            return new QuietInfo(QuietKind.Thinking, _thinkingSince, _thinking);
        }

        return isNetworkUp
            ? new QuietInfo(QuietKind.Silent, LastSign, _process?.State switch
            {
                ProcessState.Works => "the process works",
                ProcessState.Sleeps => "the process sleeps",
                ProcessState.Stopped => "the process was stopped by a signal",
                _ => null,
            })
            : new QuietInfo(QuietKind.Network, LastSign);
    }

    /// <summary>Why the turn must not go on, for people: cause, then the next step. Null while it may.</summary>
    /// <param name="isOursBusy">A command of ours runs, which has a limit of its own.</param>
    public string? Overdue(bool isOursBusy)
    {
        if (_waitsSince is not null)
        {
            return null;
        }

        if (_retry is { } retry)
        {
            var why = OneLine(retry.Said.Detail) is { } detail ? $" ({detail})" : "";
            var tries = Math.Max(retry.Count, retry.Said.Attempt ?? 0);
            if (tries > limits.Retries)
            {
                return $"Stopped after {tries} failed requests to the model provider{why}. Check the provider's status, then send the prompt again.";
            }

            if (Now - retry.Since >= limits.RetryTime)
            {
                return $"Stopped: the model provider could not be reached for {Words(limits.RetryTime)}{why}. Check the provider's status and the network, then send the prompt again.";
            }
        }

        if (limits.Turn is { } most && Now - _began - _waited >= most)
        {
            return $"Stopped: the turn took longer than {Words(most)}, the limit set by --turn-limit. Send a prompt to continue.";
        }

        return !isOursBusy && SilentFor >= limits.Silence
            ? $"Stopped: the agent was silent for {Words(limits.Silence)}. Send the prompt again."
            : null;
    }

    private static string Words(TimeSpan span) => span.TotalMinutes >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0.#} min")
        : string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} s");

    private static string? OneLine(string? text) => string.IsNullOrWhiteSpace(text) ? null : ShortText.OneLine(text);

    private static bool HasStatus(string? detail)
        => detail is not null && detail.Split([' ', ':', ',', '(', ')']).Any(w => w.Length == 3
            && int.TryParse(w, NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is >= 400 and < 600);

    private (string? Words, DateTimeOffset Since) Same(string? words) => (words, words == _thinking ? _thinkingSince : Now);
}
