using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>Nothing lost, nothing twice: what the phone knows, held against what the machine says, the ledger and the disk.</summary>
internal sealed class CrashChecks(HonestPhone phone, string runLog)
{
    private static readonly ApprovalState[] s_over =
        [ApprovalState.Denied, ApprovalState.Expired, ApprovalState.Withdrawn, ApprovalState.Finished, ApprovalState.Unknown];

    private readonly List<LedgerFact> _ledger = [];
    private List<Guid> _openAtDeath = [];
    private List<Guid> _runningAtDeath = [];
    private string _why = "";

    /// <summary>Rows of the ledger so far, oldest first.</summary>
    public IReadOnlyList<LedgerFact> Ledger => _ledger;

    /// <summary>Keeps what the phone saw open when the daemon died: the next life must have closed it.</summary>
    public void RememberDeath()
    {
        _openAtDeath.AddRange(phone.Approvals.Where(a => !s_over.Contains(a.State)).Select(a => a.ApprovalId));
        _runningAtDeath.AddRange(phone.Turns.Where(t => t.Turn.State is TurnState.Running or TurnState.Waiting).Select(t => t.Turn.TurnId));
    }

    /// <summary>The ids that commands wrote, in their order.</summary>
    public IReadOnlyList<string> Ran() => File.Exists(runLog) ? File.ReadAllLines(runLog) : [];

    /// <param name="everything">All sessions, not only those that something happened in.</param>
    public async Task AllAsync(bool everything)
    {
        var sessions = phone.TakeTouched().Intersect(phone.Sessions).ToList();
        if (everything)
        {
            sessions = [.. phone.Sessions];
        }

        foreach (var session in sessions)
        {
            await phone.CatchUpAsync(session);
        }

        _why = "what came over the streams";
        Assert.True(phone.TakeViolations() is var violations && violations.Count == 0, string.Join('\n', violations));
        That(phone.Errands.TrueForAll(e => e.Acknowledged), "an errand has no answer though everything was sent again");
        await LedgerAsync();
        foreach (var session in sessions)
        {
            await SessionAsync(session);
        }

        Closed();
        Decisions();
        Commands();
    }

    private async Task LedgerAsync()
    {
        _why = "the ledger";
        var report = await phone.AskAsync(d => d.AskAsync(
            MessageTypes.LedgerVerify, new LedgerVerifyRequest(), ProtocolJson.Default.LedgerVerifyRequest,
            ProtocolJson.Default.LedgerVerifyResponse));
        That(report.Intact, $"it does not verify: row {report.FirstBadSeq}: {report.Problem}");

        var known = _ledger.Count;
        var news = new List<LedgerFact>();
        for (long? before = null; ;)
        {
            var page = await phone.AskAsync(d => d.AskAsync(
                MessageTypes.LedgerList, new LedgerListRequest(before, 200), ProtocolJson.Default.LedgerListRequest,
                ProtocolJson.Default.LedgerListResponse));
            news.AddRange(page.Rows.Select(LedgerFact.Read));
            if (page.Rows.Count == 0 || page.Rows[^1].Seq <= Math.Max(1, known))
            {
                break;
            }

            before = page.Rows[^1].Seq;
        }

        news.Reverse();
        foreach (var row in news)
        {
            if (row.Seq <= known)
            {
                That(_ledger[(int)row.Seq - 1].Hash == row.Hash, $"row {row.Seq} is another one than before");
            }
            else
            {
                _ledger.Add(row);
                That(row.Seq == _ledger.Count, $"row {_ledger.Count} is missing");
            }
        }
    }

    private async Task SessionAsync(Guid session)
    {
        var (detail, epoch, events) = await StillAsync(session);
        _why = $"session {session}, the transcript's end:\n  {string.Join("\n  ", events.TakeLast(25))}\n";

        // Whatever the phone ever saw stands there still, under the same number.
        foreach (var ((itsEpoch, seq), text) in phone.EventsOf(session))
        {
            That(itsEpoch == epoch && seq <= events.Count && events[(int)seq - 1] == text,
                $"event {itsEpoch}/{seq} is lost or another one now:\n  {text}");
        }

        var said = events.Select(e => JsonSerializer.Deserialize(e, ProtocolJson.Default.AgentEventPayload)!).ToList();
        foreach (var errand in phone.Errands.Where(e => e.Session == session && e.Kind is ErrandKind.NewSession or ErrandKind.Prompt))
        {
            if (errand.Session == session)
            {
                Prompt(errand, detail, said);
            }
        }

        var sent = phone.Errands.Where(e => e.Session == session && e.Kind is ErrandKind.NewSession or ErrandKind.Prompt).Select(e => e.Id)
            .ToHashSet();
        That(detail.Turns.All(t => sent.Contains(t.TurnId)), "there is a turn that nobody asked for");

        foreach (var approval in said.OfType<ApprovalEvent>().Select(p => p.Approval).GroupBy(a => a.ApprovalId))
        {
            That(approval.Select(a => a.State).Distinct().Count() == approval.Count(),
                $"approval {approval.Key} took a step twice: {string.Join(" ", approval.Select(a => a.State))}");
            That(approval.Where(a => a.Decision is not null).Select(a => a.Decision!.DecisionId).Distinct().Count() <= 1,
                $"approval {approval.Key} was decided twice");
        }

        // One step, one transaction: an execution that ended has its result in the transcript.
        var results = said.OfType<ToolResultEvent>().Select(r => r.ToolUseId).ToList();
        That(results.Distinct(StringComparer.Ordinal).Count() == results.Count, "a tool's result stands twice");
        foreach (var finished in said.OfType<ApprovalEvent>().Select(p => p.Approval)
            .Where(a => a is { State: ApprovalState.Finished, Execution: not null }))
        {
            That(results.Contains(finished.ToolUseId!, StringComparer.Ordinal),
                $"approval {finished.ApprovalId} finished, and its result is lost");
        }
    }

    /// <summary>Table and transcript of the same instant: a session that goes on by itself moves between two questions.</summary>
    private async Task<(AgentSessionGetResponse Detail, string Epoch, IReadOnlyList<string> Events)> StillAsync(Guid session)
    {
        (AgentSessionGetResponse Detail, string Epoch, IReadOnlyList<string> Events) seen = default;
        await Wait.UntilAsync(
            async () =>
            {
                var before = await phone.GetAsync(session);
                var (epoch, events) = await phone.ReadWholeAsync(session);
                var after = await phone.GetAsync(session);
                seen = (before, epoch, events);
                return before.Session.Head == events.Count && after.Session.Head == events.Count
                    && before.Turns.Select(Text).SequenceEqual(after.Turns.Select(Text));
            },
            $"a still moment of session {session}");
        return seen;

        // its lists are not compared by what they hold
        static string Text(TurnInfo turn) => JsonSerializer.Serialize(turn, ProtocolJson.Default.TurnInfo);
    }

    private void Prompt(Errand errand, AgentSessionGetResponse detail, List<AgentEventPayload> said)
    {
        var inTable = detail.Turns.Where(t => t.TurnId == errand.Id).ToList();
        That(inTable.Count == 1, $"prompt {errand.Id}, acknowledged, stands {inTable.Count} times in the session");
        var turn = inTable[0];
        var states = said.OfType<TurnEvent>().Select(e => e.Turn).Where(t => t.TurnId == errand.Id).ToList();
        That(states.Count > 0 && states[0] is { State: TurnState.Queued } first && first.Content == errand.Content,
            $"prompt {errand.Id} does not begin as it was sent");
        That(states[^1].State == turn.State && states[^1].Content == turn.Content,
            $"prompt {errand.Id}: the transcript ends with {states[^1]}, the table says {turn}");
        That(states.Where(s => s.StartedAt is not null).Select(s => s.StartedAt).Distinct().Count() <= 1,
            $"prompt {errand.Id} was started twice");
        That(states.Count(s => s.FinishedAt is not null) <= 1, $"prompt {errand.Id} ended twice");
        var done = said.OfType<DoneEvent>().Where(d => d.TurnId == errand.Id).ToList();
        That(done.Count == (turn is { StartedAt: not null, FinishedAt: not null } ? 1 : 0),
            $"prompt {errand.Id} is {turn.State} and has {done.Count} ends");
        That(done.TrueForAll(d => d.Outcome == turn.State),
            $"prompt {errand.Id} is {turn.State}, but its end says {done.FirstOrDefault()?.Outcome}");

        var edits = phone.Errands.Where(e => e.Kind == ErrandKind.Edit && e.Id == errand.Id).ToList();
        var lastAccepted = edits.FindLastIndex(e => e.Accepted);
        var possible = edits.Skip(Math.Max(0, lastAccepted)).Select(e => e.Content).ToList();
        if (lastAccepted < 0)
        {
            possible.Add(errand.Content);
        }

        // A refused edit was sent before too, and may have been taken then: only its answer was lost.
        That(possible.Contains(turn.Content, StringComparer.Ordinal),
            $"prompt {errand.Id} says '{turn.Content}' after {edits.Count} edits");
        if (phone.Errands.Exists(e => e.Kind == ErrandKind.Remove && e.Id == errand.Id && e.Accepted))
        {
            That(turn is { State: TurnState.Cancelled, StartedAt: null }, $"prompt {errand.Id} was removed and is {turn.State}");
        }
    }

    private void Closed()
    {
        _why = "what a death left open";
        foreach (var id in _openAtDeath.Distinct())
        {
            var now = phone.Approvals.First(a => a.ApprovalId == id);
            That(s_over.Contains(now.State), $"approval {id} is still {now.State}");
            That(now.State != ApprovalState.Expired || (now.Decision is { DeviceId: not null } or { By: "restart" }),
                $"approval {id} was closed by '{now.Decision?.By}', not by the restart");
        }

        foreach (var id in _runningAtDeath.Distinct())
        {
            That(phone.Turn(id) is
            {
                FinishedAt: not null, State: TurnState.Interrupted or TurnState.Completed or TurnState.Failed
                or TurnState.Cancelled
            }, $"turn {id} is still {phone.Turn(id)?.State}");
        }

        _openAtDeath = [];
        _runningAtDeath = [];
    }

    private void Decisions()
    {
        _why = "decisions";
        foreach (var rows in _ledger.Where(r => r.ApprovalId is not null).GroupBy(r => (r.ApprovalId, r.Kind)))
        {
            That(rows.Count() == 1, $"{rows.Key.Kind} of approval {rows.Key.ApprovalId} stands {rows.Count()} times");
        }

        var decided = _ledger.Where(r => r.Kind == "approval_decided").ToDictionary(r => r.ApprovalId!, StringComparer.Ordinal);
        foreach (var errand in phone.Errands.Where(e => e.Kind == ErrandKind.Decide))
        {
            var row = decided.GetValueOrDefault(errand.Approval!.ApprovalId.ToString());
            if (errand.Accepted)
            {
                That(row?.DecisionId == errand.Id.ToString(),
                    $"decision {errand.Id} was acknowledged; the ledger has {row?.DecisionId ?? "none"} for approval {errand.Approval.ApprovalId}");
                var known = phone.Approvals.First(a => a.ApprovalId == errand.Approval.ApprovalId);
                That(known.Decision?.DecisionId == errand.Id,
                    $"decision {errand.Id} was acknowledged; the transcript has {known.Decision}");
            }
            else
            {
                That(row is null || row.DecisionId != errand.Id.ToString(),
                    $"decision {errand.Id} was refused ({errand.Refusal?.Message}) and stands in the ledger");
            }
        }
    }

    private void Commands()
    {
        _why = "commands";
        var ran = Ran();
        That(ran.Distinct(StringComparer.Ordinal).Count() == ran.Count,
            $"a command ran twice: {string.Join(" ", ran.GroupBy(r => r, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key))}");
        var asked = phone.Approvals.Where(a => a.Subject is CommandSubject).ToList();
        var rows = _ledger.Where(r => r.ApprovalId is not null).ToLookup(r => r.ApprovalId!, StringComparer.Ordinal);
        foreach (var id in ran)
        {
            var its = asked.Where(a => ((CommandSubject)a.Subject).Command.Contains(id, StringComparison.Ordinal)).ToList();
            That(its.Exists(a => rows[a.ApprovalId.ToString()].Any(r => r.Kind == "execution_started")),
                $"{id} ran, and no ledger row says that it was begun");
            That(its.Exists(a => phone.Errands.Exists(e => e.Kind == ErrandKind.Decide && e.Approval!.ApprovalId == a.ApprovalId
                && e.Accepted && e.Decision!.Verdict == DecisionVerdict.Allow)), $"{id} ran, and nobody allowed it");
        }

        foreach (var finished in asked.Where(a => a.Execution is { ExitCode: 0 }))
        {
            var command = ((CommandSubject)finished.Subject).Command;
            That(ran.Any(id => command.Contains(id, StringComparison.Ordinal)), $"'{command}' finished with 0 and left no trace");
        }
    }

    private void That(bool holds, string what) => Assert.True(holds, $"{what}\nlooking at {_why}");
}

/// <summary>What a row of the ledger is about.</summary>
internal sealed record LedgerFact(long Seq, string Hash, string Kind, string? ApprovalId, string? DecisionId)
{
    public static LedgerFact Read(LedgerRowInfo row)
    {
        using var body = JsonDocument.Parse(row.Body);
        var root = body.RootElement;
        return new LedgerFact(
            row.Seq,
            row.Hash,
            root.GetProperty("kind").GetString()!,
            root.TryGetProperty("approvalId", out var approval) ? approval.GetString() : null,
            root.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object
                && data.TryGetProperty("decisionId", out var decision) ? decision.GetString() : null);
    }
}
