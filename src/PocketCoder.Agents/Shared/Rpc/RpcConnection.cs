using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared.Rpc;

/// <summary>
/// One running program that speaks JSON-RPC by lines: its pipes, its end, our requests to it, and what we do for it. Thread-safe.
/// The place where such a program is started: explicit arguments, explicit environment, a process group of its own.
/// </summary>
internal sealed class RpcConnection : IAsyncDisposable
{
    /// <summary>How long what we do for the program may take to stop; a command is killed well within it.</summary>
    private readonly LineProgram _program;
    private readonly string _name;
    private readonly IRpcTranslator _translator;
    private readonly TimeProvider _time;
    private readonly EventPipe _events = new();
    private readonly ConcurrentDictionary<long, Waiter> _waiting = new();
    private readonly Task _pump;
    private readonly TurnActs _acts;
    private long _requests;
    private int _disposed;

    private RpcConnection(LineProgram program, string name, IRpcTranslator translator, TimeProvider time)
    {
        _program = program;
        _name = name;
        _translator = translator;
        _time = time;
        _acts = new TurnActs(time, FailAsync);
        _pump = PumpAsync();
    }

    /// <summary>Guards the translator: the pump and the machine's calls both use it.</summary>
    public Lock State { get; } = new();

    public ProcessIdentity Process => _program.Identity;

    public ChannelReader<AgentEvent> Events => _events.Reader;

    public bool HasEnded => _program.HasEnded;

    /// <param name="sandbox">Where it runs; null: as a child of the daemon.</param>
    /// <param name="name">What people call the program, for messages.</param>
    /// <param name="needs">Of the sandbox; null: nothing special.</param>
    /// <exception cref="AgentException">It could not be started.</exception>
    public static async Task<RpcConnection> StartAsync(
        ProcessStart start, IAgentSandbox? sandbox, string name, IRpcTranslator translator, TimeProvider time,
        CancellationToken cancellationToken, AgentSandboxNeeds? needs = null)
        => new(await LineProgram.StartAsync(start, sandbox, new ProgramVoice(name, ReasonComesLast: true), time, cancellationToken, needs),
            name, translator, time);

    /// <summary>Asks the program and waits.</summary>
    /// <param name="then">Runs when the answer comes, under the lock and in the order of the program's words; its events follow at
    /// once.</param>
    /// <exception cref="AgentException">No answer in time, or the program is gone.</exception>
    public async Task<RpcReply> RequestAsync(
        string method, Action<Utf8JsonWriter> parameters, TimeSpan limit, CancellationToken cancellationToken,
        Func<RpcReply, RpcOutput>? then = null)
    {
        var waiter = await SendAsync(method, parameters, then, cancellationToken);
        try
        {
            return await waiter.Done.Task.WaitAsync(limit, _time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new AgentException(AgentError.TimedOut, $"{_name} did not answer within {limit.TotalSeconds:0} s.", e);
        }
    }

    public Task NotifyAsync(string method, Action<Utf8JsonWriter>? parameters, CancellationToken cancellationToken)
        => WriteAsync(RpcMessages.Notification(method, parameters), cancellationToken);

    /// <summary>Does what a translator's output says, except for a violation: for output that did not come from the pump.</summary>
    public async Task CarryOutAsync(RpcOutput output, CancellationToken cancellationToken)
    {
        foreach (var line in output.Lines)
        {
            await WriteAsync(line, cancellationToken);
        }

        foreach (var call in output.Calls)
        {
            await SendAsync(call.Method, call.Parameters, call.Then, cancellationToken);
        }

        _acts.Begin(output.Acts);
        foreach (var item in output.Events)
        {
            await _events.WriteAsync(item, cancellationToken);
        }
    }

    /// <summary>
    /// Asks the translator under the lock and does what it says, outside of it. What we say ourselves is said first: once the program has
    /// its answer, it may be at its turn's end before this goes on, and what comes then belongs to no turn.
    /// </summary>
    /// <param name="choose">Null: nothing is to be done.</param>
    /// <returns>Whether something was.</returns>
    public async ValueTask<bool> CarryOutAsync(Func<RpcOutput?> choose, CancellationToken cancellationToken)
    {
        RpcOutput? output;
        lock (State)
        {
            output = choose();
        }

        if (output is null)
        {
            return false;
        }

        foreach (var item in output.Events)
        {
            await _events.WriteAsync(item, cancellationToken);
        }

        output.Events.Clear();
        await CarryOutAsync(output, cancellationToken);
        return true;
    }

    /// <summary>
    /// Says what did not come from the program's own words, chosen and written under the lock: whatever the translator ends under it is
    /// said afterwards. Waits while there is no room, and chooses again then.
    /// </summary>
    /// <param name="choose">Null: nothing is to be said any more.</param>
    /// <returns>Whether it was said.</returns>
    public async ValueTask<bool> SayAsync(Func<AgentEvent?> choose, CancellationToken cancellationToken)
    {
        do
        {
            lock (State)
            {
                if (choose() is not { } item)
                {
                    return false;
                }

                if (_events.TryWrite(item))
                {
                    return true;
                }
            }
        }
        while (await _events.WaitForRoomAsync(cancellationToken));
        return false;
    }

    /// <summary>Stops what we do for the program in this turn; commands are killed.</summary>
    public Task StopActsAsync() => _acts.StopAsync();

    /// <exception cref="AgentException">The program is gone.</exception>
    public void ThrowIfEnded() => _program.ThrowIfEnded();

    /// <summary>Why the program could not be used, from its own last words.</summary>
    public AgentException StartFailure()
        => _program.ErrorWords() is { Length: > 0 } words
            ? new AgentException(AgentError.FailedToStart, $"{_name} ended before it was ready: {words}")
            : new AgentException(AgentError.FailedToStart, $"{_name} ended before it was ready and said nothing.");

    public string Redact(string text) => _program.Redact(text);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await _pump;
            return;
        }

        await StopActsAsync();
        await _program.DisposeAsync();
        await _pump;
        _acts.Dispose();
    }

    public Task WriteAsync(byte[] line, CancellationToken cancellationToken) => _program.WriteAsync(line, cancellationToken);

    private async Task<Waiter> SendAsync(
        string method, Action<Utf8JsonWriter> parameters, Func<RpcReply, RpcOutput>? then, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref _requests);
        var waiter = new Waiter(then);
        _waiting[id] = waiter;
        try
        {
            await WriteAsync(RpcMessages.Request(id, method, parameters), cancellationToken);
        }
        catch
        {
            _waiting.TryRemove(id, out _);
            throw;
        }

        if (HasEnded && _waiting.TryRemove(id, out _))
        {
            throw _program.Ended();
        }

        return waiter;
    }

    /// <summary>A bug of ours: the program would wait for ever.</summary>
    private async Task FailAsync(Exception e)
    {
        await _events.WriteAsync(new AgentActivity(ActivityKind.Requesting) { Detail = Redact(e.Message) }, CancellationToken.None);
        await _program.KillAsync();
    }

    /// <summary>Reads until the program ends, then says the last words. Never throws.</summary>
    private async Task PumpAsync()
    {
        var end = await _program.RunAsync(TakeAsync);
        if (!_program.IsClosing)
        {
            await StopActsAsync();
        }

        foreach (var request in _waiting.Values)
        {
            request.Done.TrySetException(_program.Ended());
        }

        IReadOnlyList<AgentEvent> open;
        lock (State)
        {
            open = _translator.CloseOpen();
        }

        _ = LastWordsAsync(open, new AgentEnded(end.Code, end.Reason));
    }

    private async ValueTask<string?> TakeAsync(ReadOnlyMemory<byte> line)
    {
        var output = Translate(line, out var done);
        if (output.Violation is not null)
        {
            await _program.KillAsync(); // first of all
        }
        else if (output.Events.Exists(e => e is AgentTurnEnded))
        {
            await StopActsAsync(); // a turn that is over does nothing any more
        }

        await ReplyAsync(output);
        _acts.Begin(output.Acts);
        foreach (var item in output.Events)
        {
            await _events.WriteAsync(item, _program.Closing);
        }

        done?.Invoke();
        return output.Violation;
    }

    private RpcOutput Translate(ReadOnlyMemory<byte> line, out Action? done)
    {
        done = null;
        using var document = LineJson.TryParse(line);
        lock (State)
        {
            if (document is null || document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return _translator.NotUnderstood(line.Span);
            }

            try
            {
                var root = document.RootElement;
                if (root.Member("method") is not null)
                {
                    return _translator.Take(root);
                }

                if (root.Member("id") is not { ValueKind: JsonValueKind.Number } idElement || !idElement.TryGetInt64(out var id)
                    || !_waiting.TryRemove(id, out var waiter))
                {
                    return new RpcOutput();
                }

                var reply = root.Member("error") is { ValueKind: not JsonValueKind.Null } error
                    ? new RpcReply(default, Words(error), error.Number("code"))
                    : new RpcReply(root.Member("result")?.Clone() ?? default, null);
                done = () => waiter.Done.TrySetResult(reply);
                return waiter.Then?.Invoke(reply) ?? new RpcOutput();
            }
            catch (InvalidOperationException)
            {
                // Text that is no text: a name or value with half a surrogate pair, which JSON can spell and a string can't hold.
                return _translator.NotUnderstood(line.Span);
            }
        }
    }

    /// <summary>The message, and the details behind it where the message says next to nothing.</summary>
    private static string Words(JsonElement error)
    {
        var details = error.Object("data")?.Text("details") ?? error.Object("data")?.Text("message") ?? error.Member("data")?.AsText();
        var parts = new[] { error.Text("message"), details }.Where(p => !string.IsNullOrWhiteSpace(p)).Distinct(StringComparer.Ordinal);
        return string.Join(": ", parts) is { Length: > 0 } words ? words : "It refused and gave no reason.";
    }

    private async Task ReplyAsync(RpcOutput output)
    {
        try
        {
            foreach (var line in output.Lines)
            {
                await WriteAsync(line, _program.Closing);
            }

            foreach (var call in output.Calls)
            {
                await SendAsync(call.Method, call.Parameters, call.Then, _program.Closing);
            }
        }
        catch (AgentException)
        {
            // it ended while we answered: the end of its output follows
        }
    }

    private async Task LastWordsAsync(IReadOnlyList<AgentEvent> open, AgentEnded last)
    {
        foreach (var item in open)
        {
            await _events.WriteAsync(item, CancellationToken.None);
        }

        await _events.EndAsync(last);
    }

    private sealed record Waiter(Func<RpcReply, RpcOutput>? Then)
    {
        public TaskCompletionSource<RpcReply> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
