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
    private readonly LineProgram program;
    private readonly string name;
    private readonly IRpcTranslator translator;
    private readonly TimeProvider time;
    private readonly EventPipe events = new();
    private readonly ConcurrentDictionary<long, Waiter> waiting = new();
    private readonly Task pump;
    private readonly TurnActs acts;
    private long requests;
    private int disposed;

    private RpcConnection(LineProgram program, string name, IRpcTranslator translator, TimeProvider time)
    {
        this.program = program;
        this.name = name;
        this.translator = translator;
        this.time = time;
        acts = new TurnActs(time, FailAsync);
        pump = PumpAsync();
    }

    /// <summary>Guards the translator: the pump and the machine's calls both use it.</summary>
    public Lock State { get; } = new();

    public ProcessIdentity Process => program.Identity;

    public ChannelReader<AgentEvent> Events => events.Reader;

    public bool HasEnded => program.HasEnded;

    /// <param name="room">Where it runs; null: as a child of the daemon.</param>
    /// <param name="name">What people call the program, for messages.</param>
    /// <param name="needs">Of the room; null: nothing special.</param>
    /// <exception cref="AgentException">It could not be started.</exception>
    public static async Task<RpcConnection> StartAsync(
        ProcessStart start, IAgentRoom? room, string name, IRpcTranslator translator, TimeProvider time, CancellationToken cancellationToken, AgentRoomNeeds? needs = null)
        => new(await LineProgram.StartAsync(start, room, new ProgramVoice(name, ReasonComesLast: true), time, cancellationToken, needs), name, translator, time);

    /// <summary>Asks the program and waits.</summary>
    /// <param name="then">Runs when the answer comes, under the lock and in the order of the program's words; its events follow at once.</param>
    /// <exception cref="AgentException">No answer in time, or the program is gone.</exception>
    public async Task<RpcReply> RequestAsync(
        string method, Action<Utf8JsonWriter> parameters, TimeSpan limit, CancellationToken cancellationToken, Func<RpcReply, RpcOutput>? then = null)
    {
        var waiter = await SendAsync(method, parameters, then, cancellationToken);
        try
        {
            return await waiter.Done.Task.WaitAsync(limit, time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new AgentException(AgentError.TimedOut, $"{name} did not answer within {limit.TotalSeconds:0} s.", e);
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

        acts.Begin(output.Acts);
        foreach (var item in output.Events)
        {
            await events.WriteAsync(item, cancellationToken);
        }
    }

    /// <summary>
    /// Says what did not come from the program's own words, chosen and written under the lock: whatever the translator ends under it is said afterwards. Waits while there is no room,
    /// and chooses again then.
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

                if (events.TryWrite(item))
                {
                    return true;
                }
            }
        }
        while (await events.WaitForRoomAsync(cancellationToken));
        return false;
    }

    /// <summary>Stops what we do for the program in this turn; commands are killed.</summary>
    public Task StopActsAsync() => acts.StopAsync();

    /// <exception cref="AgentException">The program is gone.</exception>
    public void ThrowIfEnded() => program.ThrowIfEnded();

    /// <summary>Why the program could not be used, from its own last words.</summary>
    public AgentException StartFailure()
        => program.ErrorWords() is { Length: > 0 } words
            ? new AgentException(AgentError.FailedToStart, $"{name} ended before it was ready: {words}")
            : new AgentException(AgentError.FailedToStart, $"{name} ended before it was ready and said nothing.");

    public string Redact(string text) => program.Redact(text);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            await pump;
            return;
        }

        await StopActsAsync();
        await program.DisposeAsync();
        await pump;
        acts.Dispose();
    }

    public Task WriteAsync(byte[] line, CancellationToken cancellationToken) => program.WriteAsync(line, cancellationToken);

    private async Task<Waiter> SendAsync(string method, Action<Utf8JsonWriter> parameters, Func<RpcReply, RpcOutput>? then, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref requests);
        var waiter = new Waiter(then);
        waiting[id] = waiter;
        try
        {
            await WriteAsync(RpcMessages.Request(id, method, parameters), cancellationToken);
        }
        catch
        {
            waiting.TryRemove(id, out _);
            throw;
        }

        if (HasEnded && waiting.TryRemove(id, out _))
        {
            throw program.Ended();
        }

        return waiter;
    }

    /// <summary>A bug of ours: the program would wait for ever.</summary>
    private async Task FailAsync(Exception e)
    {
        await events.WriteAsync(new AgentActivity(ActivityKind.Requesting) { Detail = Redact(e.Message) }, CancellationToken.None);
        await program.KillAsync();
    }

    /// <summary>Reads until the program ends, then says the last words. Never throws.</summary>
    private async Task PumpAsync()
    {
        var end = await program.RunAsync(TakeAsync);
        if (!program.IsClosing)
        {
            await StopActsAsync();
        }

        foreach (var request in waiting.Values)
        {
            request.Done.TrySetException(program.Ended());
        }

        IReadOnlyList<AgentEvent> open;
        lock (State)
        {
            open = translator.CloseOpen();
        }

        _ = LastWordsAsync(open, new AgentEnded(end.Code, end.Reason));
    }

    private async ValueTask<string?> TakeAsync(ReadOnlyMemory<byte> line)
    {
        var output = Translate(line, out var done);
        if (output.Violation is not null)
        {
            await program.KillAsync(); // first of all
        }
        else if (output.Events.Exists(e => e is AgentTurnEnded))
        {
            await StopActsAsync(); // a turn that is over does nothing any more
        }

        await ReplyAsync(output);
        acts.Begin(output.Acts);
        foreach (var item in output.Events)
        {
            await events.WriteAsync(item, program.Closing);
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
                return translator.NotUnderstood(line.Span);
            }

            try
            {
                var root = document.RootElement;
                if (root.Member("method") is not null)
                {
                    return translator.Take(root);
                }

                if (root.Member("id") is not { ValueKind: JsonValueKind.Number } idElement || !idElement.TryGetInt64(out var id) || !waiting.TryRemove(id, out var waiter))
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
                return translator.NotUnderstood(line.Span);
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
                await WriteAsync(line, program.Closing);
            }

            foreach (var call in output.Calls)
            {
                await SendAsync(call.Method, call.Parameters, call.Then, program.Closing);
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
            await events.WriteAsync(item, CancellationToken.None);
        }

        await events.EndAsync(last);
    }

    private sealed record Waiter(Func<RpcReply, RpcOutput>? Then)
    {
        public TaskCompletionSource<RpcReply> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
