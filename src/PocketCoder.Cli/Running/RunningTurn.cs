using System.Text.Json;
using System.Threading.Channels;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Running;

/// <summary>
/// Follows one turn to its end: shows what happens, asks what has to be decided where a person sits there, stops the turn at Ctrl-C.
/// Everything that happens (messages of the daemon, typed lines, signals) comes through one channel to one reader.
/// </summary>
/// <param name="asks">Whether decisions are taken here; else it says where to.</param>
internal sealed class RunningTurn(Terminal terminal, ControlClient daemon, PromptAccepted prompt, bool json, bool asks)
{
    private readonly Channel<Happened> _happened = Channel.CreateBounded<Happened>(256);
    private readonly Transcript _transcript = new(terminal.Out, terminal.Color);
    private readonly Queue<ApprovalInfo> _waiting = new();
    private readonly Queue<Envelope> _held = new();
    private readonly Dictionary<string, string> _answers = new(StringComparer.Ordinal);
    private ApprovalInfo? _open;
    private (DecisionVerdict Verdict, DecisionScope Scope, string? Reason)? _confirming;
    private int _question; // how many were shown: a line answers only the one that stood there when it was typed
    private int _stops;
    private bool _denied;
    private bool _expired;
    private TurnState? _outcome;

    private Guid Session => prompt.Session.AgentSessionId;

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var left = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var interrupts = OperatingSystem.IsWindows() ? null : System.Runtime.InteropServices.PosixSignalRegistration.Create(
            System.Runtime.InteropServices.PosixSignal.SIGINT,
            signal =>
            {
                signal.Cancel = true;
                if (Interlocked.Increment(ref _stops) > 1)
                {
                    left.Cancel(); // also out of a wait for a daemon that does not answer
                }
                else
                {
                    // full of what the agent writes: it must not be lost
                    _ = _happened.Writer.WriteAsync(new Happened.Interrupt()).AsTask();
                }
            });
        if (asks)
        {
            TypedLines.Begin(line => _ = _happened.Writer.WriteAsync(new Happened.Typed(line, Volatile.Read(ref _question))).AsTask());
        }

        var following = FollowAsync(over.Token);
        foreach (var pending in prompt.Pending)
        {
            Take(pending);
        }

        int code;
        try
        {
            code = await ToTheEndAsync(left.Token);
        }
        catch (OperationCanceledException) when (left.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            _transcript.Pause();
            await terminal.Error.WriteLineAsync($"Detached. The session keeps running: {Session}");
            code = ExitCode.Left;
        }

        await over.CancelAsync();
        await following;
        return code;
    }

    private async Task<int> ToTheEndAsync(CancellationToken ct)
    {
        await foreach (var next in _happened.Reader.ReadAllAsync(ct))
        {
            if (next is Happened.Over over)
            {
                _transcript.Pause();
                await terminal.Error.WriteLineAsync(over.Why);
                break;
            }

            await TakeAsync(next, ct);
            if (_outcome is { } outcome)
            {
                _transcript.Pause();
                return Code(outcome);
            }
        }

        return ExitCode.Interrupted;
    }

    private int Code(TurnState outcome) => outcome switch
    {
        TurnState.Failed => ExitCode.TurnFailed,
        TurnState.Completed => _expired ? ExitCode.Expired : _denied ? ExitCode.Denied : ExitCode.Ok,
        _ => ExitCode.Interrupted,
    };

    private async Task FollowAsync(CancellationToken ct)
    {
        var why = "The daemon stopped.";
        try
        {
            await foreach (var line in daemon.FollowAsync(Session, prompt.After, ct))
            {
                if (JsonSerializer.Deserialize(line, ProtocolJson.Default.Envelope) is { } message)
                {
                    await _happened.Writer.WriteAsync(new Happened.Said(line, message), ct);
                }
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return;
        }
        catch (DaemonNotAnswering e)
        {
            why = e.Message;
        }
        catch (Exception e) when (e is DaemonNotRunning or ControlException or JsonException)
        {
            // told as the end of it
        }

        await _happened.Writer.WriteAsync(new Happened.Over(why), CancellationToken.None);
    }

    private async Task TakeAsync(Happened next, CancellationToken ct)
    {
        switch (next)
        {
            case Happened.Said said:
                if (json)
                {
                    await terminal.Out.WriteLineAsync(said.Line);
                    await terminal.Out.FlushAsync(ct);
                }

                Take(said.Message);
                break;
            case Happened.Typed { Line: { } line } typed when _open is not null && typed.Question == _question:
                await DecideAsync(_open, line, ct);
                break;
            case Happened.Interrupt:
                await StopAsync(ct);
                break;
            default:
                break; // typed where nothing was asked: it must decide nothing
        }
    }

    private async Task StopAsync(CancellationToken ct)
    {
        _transcript.Pause();
        await terminal.Error.WriteLineAsync("Stopping. Press Ctrl-C again to leave.");
        try
        {
            await daemon.CancelAsync(new AgentCancelRequest(Session, TurnId: prompt.Turn.TurnId), ct);
        }
        catch (ControlException e)
        {
            await terminal.Error.WriteLineAsync(Untrusted.Show(e.Message));
        }
    }

    private void Take(Envelope message)
    {
        if (message.Payload is not { } payload)
        {
            return;
        }

        if (message.Type == MessageTypes.AgentDelta)
        {
            if (_open is not null)
            {
                _held.Enqueue(message); // what is to be decided must not be torn apart by what goes on beside it
            }
            else if (!json && payload.Deserialize(ProtocolJson.Default.AgentDeltaPayload) is { } delta)
            {
                _transcript.Add(delta);
            }

            return;
        }

        if (message.Type != MessageTypes.AgentEvent || payload.Deserialize(ProtocolJson.Default.AgentEventPayload) is not { } happened)
        {
            return;
        }

        if (happened is ApprovalEvent { Approval: var approval })
        {
            Take(approval);
        }

        if (happened is TurnEvent { Turn: var turn } && turn.TurnId == prompt.Turn.TurnId
            && turn.State is not (TurnState.Queued or TurnState.Running or TurnState.Waiting))
        {
            Close();
            _outcome = turn.State;
        }

        if (_open is not null)
        {
            _held.Enqueue(message);
        }
        else if (!json)
        {
            _transcript.Add(happened);
        }
    }

    /// <summary>An approval as it is now.</summary>
    private void Take(ApprovalInfo approval)
    {
        if (approval.State == ApprovalState.Pending)
        {
            if (asks)
            {
                if (_open?.ApprovalId == approval.ApprovalId && approval.Agreed is not null)
                {
                    terminal.Out.WriteLine(ApprovalSheet.People(approval)); // the first of two people, perhaps this one
                    terminal.Out.Flush();
                }

                if (_open?.ApprovalId != approval.ApprovalId && _waiting.All(w => w.ApprovalId != approval.ApprovalId))
                {
                    _waiting.Enqueue(approval);
                }

                OpenNext();
            }
            else if (approval.Agreed is null)
            {
                _transcript.Pause();
                terminal.Error.WriteLine(
                    $"Waiting for approval on a paired device, or in a terminal with pocketcoder run: {ApprovalSheet.InOneLine(approval)}");
            }

            return;
        }

        if (approval.TurnId == prompt.Turn.TurnId)
        {
            _denied |= approval.State == ApprovalState.Denied;
            _expired |= approval.State == ApprovalState.Expired;
        }

        if (_open?.ApprovalId == approval.ApprovalId)
        {
            Close();
        }
        else if (_waiting.Any(w => w.ApprovalId == approval.ApprovalId))
        {
            var left = _waiting.Where(w => w.ApprovalId != approval.ApprovalId).ToList();
            _waiting.Clear();
            left.ForEach(_waiting.Enqueue);
        }
    }

    /// <summary>The question on the screen is settled: what happened meanwhile is shown, and the next one is asked.</summary>
    private void Close()
    {
        if (_open is null)
        {
            return;
        }

        (_open, _confirming) = (null, null);
        _answers.Clear();
        terminal.Out.WriteLine();
        while (_held.TryDequeue(out var message))
        {
            if (message.Payload is { } payload && message.Type == MessageTypes.AgentDelta)
            {
                _transcript.Add(payload.Deserialize(ProtocolJson.Default.AgentDeltaPayload)!);
            }
            else if (message.Payload is { } body)
            {
                _transcript.Add(body.Deserialize(ProtocolJson.Default.AgentEventPayload)!);
            }
        }

        OpenNext();
    }

    private void OpenNext()
    {
        if (_open is null && _waiting.TryDequeue(out var next))
        {
            _transcript.Pause();
            _open = next;
            ApprovalSheet.Show(terminal.Out, next);
            terminal.Out.Flush();
            TypedLines.Forget();
            Volatile.Write(ref _question, _question + 1);
            terminal.Out.WriteLine(ApprovalSheet.Keys(next));
            terminal.Out.Flush();
        }
    }

    private async Task DecideAsync(ApprovalInfo asked, string line, CancellationToken ct)
    {
        if (line.Trim().Equals("q", StringComparison.OrdinalIgnoreCase))
        {
            await StopAsync(ct);
            return;
        }

        if (_confirming is { } confirmed)
        {
            _confirming = null;
            if (line.Trim() == ApprovalSheet.Yes)
            {
                await SendAsync(asked, confirmed, null, ct);
            }
            else
            {
                await terminal.Out.WriteLineAsync($"Not allowed. {ApprovalSheet.Keys(asked)}");
            }

            return;
        }

        if (asked.Subject is QuestionSubject questions && !line.Trim().Equals("n", StringComparison.OrdinalIgnoreCase))
        {
            await AnswerAsync(asked, questions, line, ct);
            return;
        }

        if (ApprovalSheet.Parse(asked, line) is not { } decision)
        {
            await terminal.Out.WriteLineAsync(ApprovalSheet.Keys(asked));
        }
        else if (decision.Verdict == DecisionVerdict.Allow && asked.Risk is { Tier: RiskTier.Destructive })
        {
            _confirming = decision;
            var undo = asked.Risk.Reversible ? "This deletes or overwrites files; it can be undone." : "This can't be fully undone.";
            await terminal.Out.WriteLineAsync($"{undo} Type {ApprovalSheet.Yes} to allow it:");
        }
        else
        {
            await SendAsync(asked, decision, null, ct);
        }
    }

    private async Task AnswerAsync(ApprovalInfo asked, QuestionSubject questions, string line, CancellationToken ct)
    {
        var question = questions.Questions.First(q => !_answers.ContainsKey(q.Text));
        if (ApprovalSheet.Answer(question, line) is not { } answer)
        {
            await terminal.Out.WriteLineAsync(ApprovalSheet.Keys(asked));
            return;
        }

        _answers[question.Text] = answer;
        if (questions.Questions.FirstOrDefault(q => !_answers.ContainsKey(q.Text)) is { } next)
        {
            ApprovalSheet.ShowQuestion(terminal.Out, next);
            return;
        }

        await SendAsync(asked, (DecisionVerdict.Allow, DecisionScope.Once, null), ApprovalSheet.Answers(_answers), ct);
    }

    private async Task SendAsync(
        ApprovalInfo asked, (DecisionVerdict Verdict, DecisionScope Scope, string? Reason) decision, string? answers, CancellationToken ct)
    {
        try
        {
            await daemon.DecideAsync(
                new DecisionRequest(asked.ApprovalId, Guid.CreateVersion7(), decision.Verdict, decision.Scope, asked.Digest, "",
                    decision.Reason, answers), ct);
        }
        catch (ControlException e)
        {
            // Most often somebody was faster; its event says who. Else the question stays.
            await terminal.Out.WriteLineAsync(Untrusted.Show(e.Message));
        }
    }

    private abstract record Happened
    {
        public sealed record Said(string Line, Envelope Message) : Happened;

        /// <param name="Line">Null: no more will be typed.</param>
        public sealed record Typed(string? Line, int Question) : Happened;

        public sealed record Interrupt : Happened;

        public sealed record Over(string Why) : Happened;
    }
}
