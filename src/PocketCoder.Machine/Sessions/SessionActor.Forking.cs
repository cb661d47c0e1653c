using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Forks;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>Copies of this session that go their own way.</summary>
internal sealed partial class SessionActor
{
    private string? _mark; // the agent's name for the end of the turn that just ended

    /// <summary>Makes the new session with its first prompt, queued. Nothing of this one changes but that an idle agent process ends, so that its files stand still.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, CONFLICT, SESSION_OPEN_ELSEWHERE, TURN_NOT_FOUND; for attachments as with any prompt</exception>
    public Task<(SessionRecord Record, TurnInfo Turn)> ForkAsync(AgentSessionForkRequest request, string? deviceId) => AskAsync(async () =>
    {
        if (!_driver.Description.Fork)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{_driver.Description.Name} can't go on from a copy of a conversation.");
        }

        RequireNoTerminal(); // it writes what would be copied
        if (_turn is not null || _starting is not null)
        {
            throw new RequestFailure(ErrorCode.Conflict, "The session works. Wait until it is done, or stop it first.");
        }

        var native = _record.NativeId ?? throw new RequestFailure(ErrorCode.InvalidRequest, "The agent has no conversation here yet that could be copied.");
        var turns = await ForkRows.TurnsAsync(Store, _record.SessionId);
        var point = new ForkPoint(native, MarkOf(request.FromTurnId, turns));
        var last = turns.FirstOrDefault(t => t.TurnId == request.FromTurnId);
        var transcript = await CopiedTranscript.ReadAsync(
            Store, _record.SessionId, turns.Where(t => !t.Over || (last is not null && t.Ordinal > last.Ordinal)).Select(t => t.TurnId).ToHashSet(), last?.TurnId);
        await EndProcessAsync();
        try
        {
            _services.Agents.CopyState(_record.SessionId, request.NewSessionId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RequestFailure(ErrorCode.AgentError, $"The agent's files can't be copied: {e.Message}");
        }

        return await Store.WriteAsync(change =>
        {
            if (SessionRows.Find(change, request.NewSessionId) is not null || SessionRows.FindTurn(change, request.PromptId) is not null)
            {
                throw new RequestFailure(ErrorCode.Conflict, "One of the new ids is in use.");
            }

            var made = _record with
            {
                SessionId = request.NewSessionId, Title = SessionTitle.Of(request.Content), NativeId = null, Held = false, Archived = false, Failed = false, Usage = new UsageInfo(0, 0, 0, 0, null), CreatedAt = change.Now, UpdatedAt = change.Now,
                Prompting = _record.Prompting with { Renamed = false, Context = null },
            };
            SessionRows.Insert(change, made);
            ForkRows.Insert(change, made.SessionId, _record.SessionId, point);
            change.Ledger(new LedgerEntry(LedgerKind.SessionStarted)
            {
                SessionId = made.SessionId.ToString(),
                DeviceId = deviceId,
                Actor = deviceId is null ? ApprovalDesk.CommandLine : null,
                Sandbox = SandboxName.Of(made.Sandbox),
                Data = new SessionData(made.Agent, made.ProjectId, _directory) { ForkedFrom = _record.SessionId }.ToJson(),
            });
            foreach (var body in transcript.Bodies)
            {
                change.CopyEvent(made.SessionId, body);
            }

            change.Event(made.SessionId, new ForkEvent(_record.SessionId, _record.Title, transcript.Cut) { At = change.Now });
            var attached = AttachmentRows.Claim(change, made.SessionId, request.Attachments, deviceId, _driver.Description.Images);
            return (made, SessionRows.Enqueue(change, made.SessionId, request.PromptId, request.Content, deviceId, attached));
        });
    });

    /// <summary>Where the agent of a forked session begins, until it told its own id.</summary>
    private async Task<AgentStart> FromForkAsync(AgentStart start)
        => start.ResumeId is null && await ForkRows.FindAsync(Store, start.SessionId) is { } point ? start with { ResumeId = point.NativeId, Fork = true, ForkAt = point.Mark } : start;

    private string? MarkOf(Guid? from, IReadOnlyList<TurnEnd> turns)
    {
        if (from is null || turns.LastOrDefault(t => t.Over)?.TurnId == from)
        {
            return null;
        }

        var turn = turns.FirstOrDefault(t => t.TurnId == from && t.Over) ?? throw new RequestFailure(ErrorCode.TurnNotFound, "That is no turn of this session that is over.");
        return _driver.Description.Rewind && turn.Mark is { } mark
            ? mark
            : throw new RequestFailure(ErrorCode.InvalidRequest, $"{_driver.Description.Name} can't go back to that turn; it can go on from the last one.");
    }
}
