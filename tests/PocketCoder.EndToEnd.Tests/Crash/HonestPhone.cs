using System.Net.WebSockets;
using System.Text.Json;
using PocketCoder.Channels;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>The machine went away in the middle of something.</summary>
internal sealed class ConnectionLost(Exception? inner = null) : Exception("the connection was lost", inner);

/// <summary>
/// A paired device that does what the app promises: what was not acknowledged is sent again with the same id, streams go on at their
/// cursor, and nothing that came is forgotten. Everything it learns stays here over all lives of the daemon, for the checks. The lock
/// guards the memory.
/// </summary>
internal sealed class HonestPhone(string url, ChannelIdentity identity, byte[] machineKey, Guid project, string agent) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, (string Epoch, long Seq)> _cursors = [];
    private readonly Dictionary<(Guid Session, string Epoch, long Seq), string> _events = [];
    private readonly Dictionary<Guid, ApprovalInfo> _approvals = [];
    private readonly Dictionary<Guid, (Guid Session, TurnInfo Turn)> _turns = [];
    private readonly HashSet<Guid> _touched = [];
    private readonly List<string> _violations = [];
    private readonly SemaphoreSlim _changed = new(0);
    private TestDevice? _device;
    private Task _reading = Task.CompletedTask;
    private KillSwitch? _switch;

    public List<Errand> Errands { get; } = [];

    /// <summary>The newest signed head it saw.</summary>
    public LedgerHead? Head { get; private set; }

    public int Frames { get; private set; }

    public IReadOnlyList<Guid> Sessions
        => [.. Errands.Where(e => e is { Kind: ErrandKind.NewSession, Accepted: true }).Select(e => e.Session)];

    public TestDevice Device => _device ?? throw new ConnectionLost();

    /// <summary>What it saw that must not be, since the last look.</summary>
    public IReadOnlyList<string> TakeViolations() => Locked(() =>
    {
        var found = _violations.ToList();
        _violations.Clear();
        return found;
    });

    public IReadOnlyList<ApprovalInfo> Approvals => Locked(() => _approvals.Values.ToList());

    public IReadOnlyList<(Guid Session, TurnInfo Turn)> Turns => Locked(() => _turns.Values.ToList());

    public TurnInfo? Turn(Guid id) => Locked(() => _turns.TryGetValue(id, out var known) ? known.Turn : null);

    /// <summary>Every durable event of a session it ever received.</summary>
    public Dictionary<(string Epoch, long Seq), string> EventsOf(Guid session)
        => Locked(() => _events.Where(e => e.Key.Session == session).ToDictionary(e => (e.Key.Epoch, e.Key.Seq), e => e.Value));

    /// <summary>Sessions that something happened in since the last call.</summary>
    public IReadOnlyList<Guid> TakeTouched() => Locked(() =>
    {
        var touched = _touched.ToList();
        _touched.Clear();
        return touched;
    });

    public void Arm(KillSwitch? trigger) => Volatile.Write(ref _switch, trigger);

    /// <summary>
    /// Connects, compares the ledger with what it remembers, sends again what was not acknowledged, and follows every stream from its
    /// cursor.
    /// </summary>
    public async Task ComeBackAsync()
    {
        await LeaveAsync();
        var device = _device = await TryAsync(() => TestDevice.ConnectAsync(url, identity, machineKey));
        _reading = ReadAsync(device);
        await MeetLedgerAsync(device);
        foreach (var errand in Errands.Where(e => !e.Acknowledged).ToList())
        {
            await SendAsync(errand);
        }

        foreach (var session in Sessions)
        {
            await FollowAsync(session);
        }
    }

    /// <summary>Does an errand for the first time.</summary>
    public async Task DoAsync(Errand errand)
    {
        Errands.Add(errand);
        Locked(() => _touched.Add(errand.Session));
        await SendAsync(errand);
        if (errand.Kind == ErrandKind.NewSession)
        {
            await FollowAsync(errand.Session);
        }
    }

    public Errand Decision(ApprovalInfo approval, DecisionVerdict verdict)
    {
        var id = Guid.CreateVersion7();
        var answers = verdict == DecisionVerdict.Allow && approval.Subject is QuestionSubject asked
            ? JsonSerializer.Serialize(asked.Questions.ToDictionary(q => q.Text, _ => "a", StringComparer.Ordinal))
            : null;
        var decision = Device.Decision(approval, verdict, DecisionScope.Once, verdict == DecisionVerdict.Deny ? "no" : null, answers, id);
        return new Errand(ErrandKind.Decide, id, approval.AgentSessionId!.Value, Approval: approval, Decision: decision);
    }

    /// <summary>Asks for something that changes nothing, or nothing that needs to be sent again.</summary>
    public Task<T> AskAsync<T>(Func<TestDevice, Task<T>> ask) => AskAsync(Device, ask);

    /// <summary>Until something new came, or for a moment.</summary>
    public async Task NewsAsync() => await Task.WhenAny(_changed.WaitAsync(TimeSpan.FromSeconds(1)), _reading);

    /// <summary>Until it has every event up to the machine's present end of this session.</summary>
    public async Task CatchUpAsync(Guid session)
    {
        var head = (await GetAsync(session)).Session.Head;
        await Wait.UntilAsync(() => _reading.IsCompleted || Cursor(session).Seq >= head, $"event {head} of session {session}");
        if (Cursor(session).Seq < head)
        {
            throw new ConnectionLost();
        }
    }

    public Task<AgentSessionGetResponse> GetAsync(Guid session) => AskAsync(d => d.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
        ProtocolJson.Default.AgentSessionGetResponse));

    /// <summary>The whole transcript as the machine tells it to somebody who knows nothing.</summary>
    public async Task<(string Epoch, IReadOnlyList<string> Events)> ReadWholeAsync(Guid session)
    {
        await using var reader = await TryAsync(() => TestDevice.ConnectAsync(url, identity, machineKey));
        var answer = await AskAsync(reader, d => d.AskAsync(
            MessageTypes.Subscribe, new SubscribeRequest(Name(session)), ProtocolJson.Default.SubscribeRequest,
            ProtocolJson.Default.SubscribeResponse));
        var events = new List<string>();
        while (events.Count < answer.Head)
        {
            var pushed = await TryAsync(
                () => reader.NextAsync(e => e.Type == MessageTypes.AgentEvent, $"event {events.Count + 1} of {answer.Head}"));
            if (pushed.Seq != events.Count + 1 || pushed.Epoch != answer.Epoch)
            {
                throw new InvalidOperationException(
                    $"session {session}: expected event {events.Count + 1} of epoch {answer.Epoch}, got {pushed.Seq} of {pushed.Epoch}");
            }

            events.Add(pushed.Payload!.Value.GetRawText());
        }

        return (answer.Epoch, events);
    }

    /// <summary>Lets go of the connection. Of a machine that is dead, what it had sent is read to the end first: it was said.</summary>
    public async Task LeaveAsync(bool dead = false)
    {
        if (_device is { } device)
        {
            _device = null;
            if (dead)
            {
                await Wait.UntilAsync(() => device.Over.IsCompleted, "the end of a dead machine's connection");
            }

            await device.DisposeAsync();
            await _reading;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await LeaveAsync();
        _changed.Dispose();
    }

    private static string Name(Guid session) => $"session/{session}";

    private (string Epoch, long Seq) Cursor(Guid session) => Locked(() => _cursors.TryGetValue(session, out var known) ? known : ("", 0));

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }

    private async Task MeetLedgerAsync(TestDevice device)
    {
        if (Head is { } remembered)
        {
            var answer = await AskAsync(device, d => d.AskAsync(
                MessageTypes.LedgerHead, new LedgerHeadRequest(remembered.Seq), ProtocolJson.Default.LedgerHeadRequest,
                ProtocolJson.Default.LedgerHeadResponse));
            if (device.Hello.Ledger.Epoch != remembered.Epoch || device.Hello.Ledger.Seq < remembered.Seq
                || answer.HashAt != remembered.Hash)
            {
                Violate($"the ledger's head {remembered.Seq} {remembered.Hash} of epoch {remembered.Epoch}, which the phone remembers, is no ancestor of {device.Hello.Ledger.Seq} (there: {answer.HashAt}, epoch {device.Hello.Ledger.Epoch})");
            }
        }

        Remember(device.Hello.Ledger);
        var state = await AskAsync(device, d => d.AskAsync(
            MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse));
        await AskAsync(device, d => d.AskAsync(
            MessageTypes.Subscribe,
            new SubscribeRequest(state.Cursor.Stream, state.Cursor.Epoch, state.Cursor.Seq),
            ProtocolJson.Default.SubscribeRequest,
            ProtocolJson.Default.SubscribeResponse));
    }

    private async Task FollowAsync(Guid session)
    {
        var (epoch, seq) = Cursor(session);
        var answer = await AskAsync(Device, d => d.AskAsync(
            MessageTypes.Subscribe,
            new SubscribeRequest(Name(session), epoch.Length == 0 ? null : epoch, seq),
            ProtocolJson.Default.SubscribeRequest,
            ProtocolJson.Default.SubscribeResponse));
        if (epoch.Length > 0 && (answer.Reset || answer.Epoch != epoch))
        {
            // docs/ledger.md: a stream gets another epoch only when a backup was restored.
            Violate($"session {session}: the cursor {epoch}/{seq} was refused (epoch {answer.Epoch}, head {answer.Head}, reset {answer.Reset}), though nothing was restored");
        }
    }

    private async Task SendAsync(Errand errand)
    {
        var device = Device;
        errand.Sent++;
        var ask = errand.SendAsync(device, project, agent);
        _switch?.Saw(Moment.Sent);
        if (errand.Kind == ErrandKind.Decide)
        {
            _switch?.Saw(Moment.DecisionSent);
        }

        try
        {
            await AnsweredAsync(device, ask);
        }
        catch (WireErrorException refused)
        {
            if (!errand.MayBeRefusedWith(refused.Error.Code))
            {
                Violate($"{errand.Kind} {errand.Id} was refused: {refused.Message} (sent {errand.Sent} time(s))");
            }

            errand.Refusal = refused.Error;
        }

        errand.Acknowledged = true;
        _switch?.Saw(Moment.Acknowledged);
        if (errand.Kind == ErrandKind.Decide)
        {
            _switch?.Saw(Moment.DecisionAcknowledged);
        }
    }

    private static async Task<T> AskAsync<T>(TestDevice device, Func<TestDevice, Task<T>> ask)
    {
        var asked = ask(device);
        await AnsweredAsync(device, asked);
        return await asked;
    }

    /// <summary>Waits for the answer or for the end of the connection, whichever comes.</summary>
    private static Task<bool> AnsweredAsync(TestDevice device, Task ask) => TryAsync(async () =>
    {
        if (await Task.WhenAny(ask, device.Over) != ask && !ask.IsCompleted)
        {
            throw new ConnectionLost();
        }

        await ask;
        return true;
    });

    private static async Task<T> TryAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is IOException or WebSocketException or OperationCanceledException or ObjectDisposedException
            or TimeoutException or ChannelException)
        {
            throw new ConnectionLost(e);
        }
    }

    private async Task ReadAsync(TestDevice device)
    {
        await foreach (var pushed in device.Pushed.Reader.ReadAllAsync())
        {
            lock (_gate)
            {
                Take(pushed);
            }

            _switch?.Saw(Moment.Frame);
            if (pushed.Type == MessageTypes.AgentDelta)
            {
                _switch?.Saw(Moment.Delta);
            }
            else if (pushed.Type == MessageTypes.AgentEvent)
            {
                _switch?.Saw(pushed.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventPayload)!);
            }

            _changed.Release();
        }
    }

    /// <summary>Under the lock.</summary>
    private void Take(Envelope pushed)
    {
        Frames++;
        if (pushed.Type == MessageTypes.MachineEvent)
        {
            if (pushed.Payload!.Value.Deserialize(ProtocolJson.Default.MachineEvent) is LedgerMoved moved)
            {
                Remember(moved.Head);
            }

            return;
        }

        if (pushed.Type != MessageTypes.AgentEvent)
        {
            return;
        }

        var session = Guid.Parse(pushed.Stream!["session/".Length..]);
        var seq = pushed.Seq!.Value;
        var (epoch, last) = _cursors.GetValueOrDefault(session, (pushed.Epoch!, 0));
        if (pushed.Epoch != epoch || seq != last + 1)
        {
            Violate($"session {session}: after {epoch}/{last} came {pushed.Epoch}/{seq}");
        }

        _cursors[session] = (pushed.Epoch!, seq);
        _touched.Add(session);
        var text = pushed.Payload!.Value.GetRawText();
        if (!_events.TryAdd((session, pushed.Epoch!, seq), text) && _events[(session, pushed.Epoch!, seq)] != text)
        {
            Violate($"session {session}: event {pushed.Epoch}/{seq} came with two payloads:\n  {_events[(session, pushed.Epoch!, seq)]}\n  {text}");
        }

        switch (pushed.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventPayload))
        {
            case TurnEvent { Turn: var turn }:
                _turns[turn.TurnId] = (session, turn);
                break;
            case ApprovalEvent { Approval: var approval }:
                _approvals[approval.ApprovalId] = approval;
                break;
            default:
                break;
        }
    }

    private void Remember(LedgerHead head)
    {
        lock (_gate)
        {
            if (Head is null || head.Seq > Head.Seq)
            {
                Head = head;
            }
        }
    }

    private void Violate(string what)
    {
        lock (_gate)
        {
            _violations.Add(what);
        }
    }
}
