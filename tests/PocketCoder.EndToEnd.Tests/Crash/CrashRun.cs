using System.Diagnostics;
using System.Globalization;
using PocketCoder.Channels;
using PocketCoder.Machine;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Homes;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>
/// A machine that is killed again and again while a phone works with it. The seed decides what the phone does and when the kill comes; how
/// the two interleave is the kernel's business, and whatever it is, the checks must hold.
/// </summary>
internal sealed class CrashRun : IAsyncDisposable
{
    /// <summary>Steps of the phone after which the round is ended though its moment did not come.</summary>
    private const int StepLimit = 150;

    private readonly int _seed;
    private readonly Random _random;
    private readonly Vocabulary _words;
    private readonly int _maxSessions;
    private readonly Home _home;
    private readonly int _port;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly string _folder;
    private readonly HonestPhone _phone;
    private readonly CrashChecks _checks;
    private readonly HashSet<Guid> _ignored = [];
    private readonly List<string> _history = [];

    /// <summary>The session whose command is to be met running: nobody stops that one.</summary>
    private Guid _staying;
    private DaemonProcess _daemon;
    private string _now = "";

    private CrashRun(int seed, Vocabulary words, int maxSessions, Home home, int port, IReadOnlyDictionary<string, string> environment,
        ProjectInfo project, DaemonProcess daemon, HonestPhone phone)
    {
        (_seed, _random, _words, _maxSessions, _home, _port, _environment, _folder, _daemon, _phone)
            = (seed, new Random(seed), words, maxSessions, home, port, environment, project.Path, daemon, phone);
        _checks = new CrashChecks(phone, Path.Combine(project.Path, Vocabulary.RunLog));
    }

    public Tally Tally { get; } = new();

    /// <summary>What happened, in one line and one more for each round.</summary>
    public string Summary
        => $"{Tally}; {_phone.Errands.Count} errands ({_phone.Errands.Count(e => e.Sent > 1)} sent again, {_phone.Errands.Count(e => e.Refusal is not null)} refused), {_phone.Frames} frames, {_checks.Ledger.Count} ledger rows, {_checks.Ran().Count} commands ran\n{string.Join('\n', _history)}";

    private bool Demo => _words.Agent == "stub";

    /// <param name="project">Null: the demonstration with its own folder.</param>
    public static async Task<CrashRun> StartAsync(
        int seed, Vocabulary words, int maxSessions, IReadOnlyDictionary<string, string> environment, string? project = null)
    {
        var home = Home.At(Directory.CreateTempSubdirectory("pccrash-").FullName);
        var port = Ports.Free();
        var daemon = await DaemonProcess.StartAsync(home, port, environment, project is null);
        using var control = new ControlClient(home);
        if (project is not null)
        {
            await control.AddProjectAsync(project, "crash", force: false, CancellationToken.None);
        }

        var registered = (await control.ListProjectsAsync(CancellationToken.None))[0];
        var offer = await control.PairAsync(new PairingRequest([Scope.View, Scope.Prompt, Scope.Decide], null), CancellationToken.None);
        var identity = ChannelIdentity.Create();
        await using var device = await TestDevice.PairAsync(offer.Links[0], "honest phone", identity);
        var phone = new HonestPhone($"http://127.0.0.1:{port}/", identity, device.MachineKey, registered.ProjectId, words.Agent);
        return new CrashRun(seed, words, maxSessions, home, port, environment, registered, daemon, phone);
    }

    /// <summary>Kills the daemon so many times, and looks each time whether everything still holds.</summary>
    /// <param name="first">Which of the moments comes first.</param>
    public async Task KillAsync(int times, int first = 0)
    {
        try
        {
            for (var round = first; round < first + times; round++)
            {
                await RoundAsync(round);
                if (round % 10 == 9)
                {
                    await VerifyByCommandAsync();
                }
            }

            _now = "the end";
            await ReturnAsync();
            await _checks.AllAsync(everything: true);
            await VerifyByCommandAsync();
        }
        catch (Exception e) when (e is not CrashFailure)
        {
            throw new CrashFailure(
                $"seed {_seed}, {_now}: {e}\nrounds so far:\n{string.Join('\n', _history)}\nthe daemon's log:\n{_daemon.Log}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _phone.DisposeAsync();
        await _daemon.DisposeAsync();
        await ProcessGroup.ReapAsync(Survivors.In(_folder), TimeSpan.Zero, TimeProvider.System); // only after a failure is there anybody
        await HomeRemains.ClearAsync(_home.Sandboxes, _home.Root, _home.AgentFiles, _home.Attached);
    }

    private async Task RoundAsync(int round)
    {
        var point = KillPoint.Choose(_random, round);
        _now = $"round {round}, kill at {point}";
        var early = point.Early && _history.Count > 0;
        if (!early)
        {
            await ReturnAsync();
        }

        var trigger = new KillSwitch(point, _daemon.Kill);
        _phone.Arm(trigger);
        try
        {
            if (early)
            {
                await _phone.ComeBackAsync();
            }

            await LiveAsync(trigger);
        }
        catch (ConnectionLost lost)
        {
            // The reader may see the end of the connection before the switch says that it was pulled.
            try
            {
                await trigger.Fired.WaitAsync(Wait.Limit);
            }
            catch (TimeoutException)
            {
                throw new InvalidOperationException("the connection was lost though nobody killed the daemon", lost);
            }
        }

        await trigger.Fired;
        await _daemon.GoneAsync();
        await _phone.LeaveAsync(dead: true);
        _phone.Arm(null);
        _checks.RememberDeath();
        Tally.Kills++;
        await RestartAsync(point.Recoveries);
        _history.Add($"  {round}: {point}; {_phone.Errands.Count} errands, {_phone.Errands.Count(e => !e.Acknowledged)} open, {_phone.Frames} frames");
    }

    /// <summary>The next life, perhaps after some that were too short; none may leave a process of an earlier one.</summary>
    private async Task RestartAsync(int recoveries)
    {
        var left = Survivors.In(_folder);
        Tally.Orphans += left.Count;
        for (var i = 0; i < recoveries; i++)
        {
            await _daemon.DisposeAsync();
            _daemon = DaemonProcess.Launch(_home, _port, _environment, Demo);
            await MidRecoveryAsync();
            _daemon.Kill();
            await _daemon.GoneAsync();
            Tally.Kills++;
        }

        await _daemon.DisposeAsync();
        _daemon = await DaemonProcess.StartAsync(_home, _port, _environment, Demo);
        var alive = left.Where(ProcessGroup.IsAlive).Select(Survivors.Describe).ToList();
        if (alive.Count > 0)
        {
            throw new InvalidOperationException($"the killed daemon's processes run on after the restart:\n  {string.Join("\n  ", alive)}");
        }
    }

    /// <summary>Somewhere in a start: a few writes into the database, or some time.</summary>
    private async Task MidRecoveryAsync()
    {
        if (_random.Next(2) == 0)
        {
            await Wait.PauseAsync(_random.Next(100, 900), CancellationToken.None);
            return;
        }

        var log = new FileInfo(_home.Database + "-wal");
        var writes = _random.Next(1, 4);
        var before = (log.Exists, log.LastWriteTimeUtc, log.Exists ? log.Length : 0);
        await Wait.UntilAsync(
            () =>
            {
                log.Refresh();
                var now = (log.Exists, log.LastWriteTimeUtc, log.Exists ? log.Length : 0);
                if (now != before)
                {
                    (before, writes) = (now, writes - 1);
                }

                return writes <= 0 || _daemon.HasExited || _daemon.Log.Contains("started as machine", StringComparison.Ordinal);
            },
            "a write of the recovery");
    }

    /// <summary>Back in good order: everything is sent again, everything is checked, and what was cut off goes on when asked.</summary>
    private async Task ReturnAsync()
    {
        await _phone.ComeBackAsync();
        await _checks.AllAsync(everything: false);
        foreach (var session in _phone.Turns.Where(t => t.Turn.State == TurnState.Interrupted).Select(t => t.Session).Distinct()
            .Where(NeedsPush).Take(2).ToList())
        {
            await ResumeAsync(session);
        }
    }

    /// <summary>A session whose last turn was cut off takes a prompt and completes it.</summary>
    private async Task ResumeAsync(Guid session)
    {
        var prompt = new Errand(ErrandKind.Prompt, Guid.CreateVersion7(), session, _words.Say($"go on {Guid.CreateVersion7():N}"));
        await _phone.DoAsync(prompt);
        var since = Stopwatch.StartNew();
        while (_phone.Turn(prompt.Id) is not { FinishedAt: not null })
        {
            if (since.Elapsed > 2 * Wait.Limit)
            {
                throw new InvalidOperationException($"session {session} does not go on after its interruption");
            }

            foreach (var open in Waiting().Where(a => a.AgentSessionId == session).ToList())
            {
                await _phone.DoAsync(_phone.Decision(open, _random.Next(4) == 0 ? DecisionVerdict.Deny : DecisionVerdict.Allow));
            }

            await _phone.NewsAsync();
        }

        var ended = _phone.Turn(prompt.Id)!;
        if (ended.State != TurnState.Completed)
        {
            throw new InvalidOperationException(
                $"session {session} is not resumable: its next prompt ended as {ended.State}: {ended.Error}");
        }

        Tally.Resumed++;
    }

    private async Task LiveAsync(KillSwitch trigger)
    {
        var begun = false;
        var certain = trigger.Point.Moment == Moment.CommandRuns;
        var since = Stopwatch.StartNew();
        for (var step = 0; !trigger.Fired.IsCompleted; step++)
        {
            if (certain && since.Elapsed > Wait.Limit)
            {
                throw new InvalidOperationException($"the command of session {_staying} was allowed and does not run");
            }

            if (!certain && step == StepLimit)
            {
                Tally.MomentsMissed++;
                trigger.Fire();
                await trigger.Fired;
                return;
            }

            if (!begun && certain)
            {
                begun = true;
                var id = NewId();
                var session = new Errand(ErrandKind.NewSession, Guid.CreateVersion7(), Guid.CreateVersion7(), _words.RunAndStay(id));
                _staying = session.Session;
                await _phone.DoAsync(session);
                _ = WatchAsync(id, trigger);
                continue;
            }

            await StepAsync(trigger.Point.Moment);
        }
    }

    private async Task WatchAsync(string id, KillSwitch trigger)
    {
        while (!trigger.Fired.IsCompleted && !_checks.Ran().Contains(id, StringComparer.Ordinal))
        {
            await Wait.PauseAsync(5, CancellationToken.None);
        }

        trigger.Saw(Moment.CommandRuns);
    }

    private async Task StepAsync(Moment wanted)
    {
        var waiting = Waiting().Where(a => !_ignored.Contains(a.ApprovalId)).ToList();
        if (waiting.Count > 0)
        {
            await DecideAsync(waiting[_random.Next(waiting.Count)], wanted);
            return;
        }

        var working = Working();
        if (working.Count < 2 || _random.Next(10) == 0)
        {
            await PromptAsync(wanted);
            return;
        }

        var queued = _phone.Turns.Where(t => t.Turn.State == TurnState.Queued).Select(t => (t.Session, Id: t.Turn.TurnId)).ToList();
        switch (_random.Next(12))
        {
            case 0 when queued.Count > 0:
                var edited = queued[_random.Next(queued.Count)];
                await _phone.DoAsync(new Errand(ErrandKind.Edit, edited.Id, edited.Session, _words.Say($"edited {NewId()}")));
                break;
            case 1 when queued.Count > 0:
                var removed = queued[_random.Next(queued.Count)];
                await _phone.DoAsync(new Errand(ErrandKind.Remove, removed.Id, removed.Session));
                break;
            case 2 when _ignored.Count > 0 && working.Concat(_phone.Sessions.Where(Stuck)).FirstOrDefault(s => s != _staying) is var stopped
                && stopped != Guid.Empty:
                // Somebody stops what nobody decided. Stopping is about this moment: it is not sent again.
                await _phone.AskAsync(d => d.AskAsync(
                    MessageTypes.AgentCancel, new AgentCancelRequest(stopped), ProtocolJson.Default.AgentCancelRequest,
                    ProtocolJson.Default.AgentCancelResponse));
                break;
            default:
                await _phone.NewsAsync();
                break;
        }
    }

    private async Task DecideAsync(ApprovalInfo waiting, Moment wanted)
    {
        var needsRun = wanted is Moment.Started or Moment.Finished or Moment.Result or Moment.CommandRuns;
        switch (needsRun ? 0 : _random.Next(20))
        {
            case < 13:
                await _phone.DoAsync(_phone.Decision(waiting, DecisionVerdict.Allow));
                break;
            case < 17:
                await _phone.DoAsync(_phone.Decision(waiting, DecisionVerdict.Deny));
                break;
            default:
                _ignored.Add(waiting.ApprovalId);
                break;
        }
    }

    private async Task PromptAsync(Moment wanted)
    {
        var known = _phone.Sessions.Where(s => !Stuck(s)).ToList();
        var content = wanted switch
        {
            Moment.Delta => _words.Long(_random),
            Moment.Started or Moment.Finished or Moment.Result or Moment.DecisionSent or Moment.DecisionAcknowledged => _words.Run(NewId()),
            _ => string.Join('\n', Enumerable.Range(0, _random.Next(1, 4)).Select(_ => _words.Any(_random, NewId()))),
        };
        if (known.Count == 0 && _phone.Sessions.Count >= _maxSessions)
        {
            _ignored.Clear();
            return;
        }

        await _phone.DoAsync(known.Count == 0 || (_phone.Sessions.Count < _maxSessions && _random.Next(3) == 0)
            ? new Errand(ErrandKind.NewSession, Guid.CreateVersion7(), Guid.CreateVersion7(), content)
            : new Errand(ErrandKind.Prompt, Guid.CreateVersion7(), known[_random.Next(known.Count)], content));
    }

    private async Task VerifyByCommandAsync()
    {
        var (exit, output) = await DaemonProcess.RunAsync(_home, _environment, "ledger", "verify");
        if (exit != 0)
        {
            throw new InvalidOperationException($"pocketcoder ledger verify: exit {exit}: {output}");
        }
    }

    /// <summary>What waits for this phone's word and has not got it.</summary>
    private IEnumerable<ApprovalInfo> Waiting()
    {
        var decided = _phone.Errands.Where(e => e.Kind == ErrandKind.Decide).Select(e => e.Approval!.ApprovalId).ToHashSet();
        return _phone.Approvals.Where(a => a.State == ApprovalState.Pending && !decided.Contains(a.ApprovalId));
    }

    private bool Stuck(Guid session)
        => _phone.Approvals.Any(a => a.AgentSessionId == session && a.State == ApprovalState.Pending && _ignored.Contains(a.ApprovalId));

    private List<Guid> Working()
        => [.. _phone.Turns.Where(t => t.Turn.State is TurnState.Running or TurnState.Waiting && !Stuck(t.Session)).Select(t => t.Session)
            .Distinct()];

    /// <summary>Its newest turn that began was cut off.</summary>
    private bool NeedsPush(Guid session)
        => _phone.Turns.Where(t => t.Session == session && t.Turn.StartedAt is not null).OrderBy(t => t.Turn.StartedAt)
            .Last().Turn.State == TurnState.Interrupted;

    private string NewId() => string.Create(CultureInfo.InvariantCulture, $"id{_random.NextInt64():x16}");
}

/// <summary>What the rounds really met, so that a run in which nothing happened does not pass for a proof.</summary>
internal sealed record Tally
{
    public int Kills { get; set; }

    /// <summary>Processes that outlived a daemon, and were ended by the next.</summary>
    public int Orphans { get; set; }

    public int Resumed { get; set; }

    /// <summary>Rounds whose moment never came; they were killed anyway.</summary>
    public int MomentsMissed { get; set; }
}

/// <summary>The seed, the round and what did not hold.</summary>
internal sealed class CrashFailure(string message) : Exception(message);
