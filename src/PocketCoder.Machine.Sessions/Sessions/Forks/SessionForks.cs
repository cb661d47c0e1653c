using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Machine.Sessions.Turns;
using PocketCoder.Machine.Sessions.Deleting;
using PocketCoder.Machine.Sessions.Marks;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Forks;

/// <summary>Copies of a session that go their own way. Holds nothing.</summary>
internal sealed class SessionForks(SessionContext session, AgentHost host, TerminalHandover terminal)
{
    /// <summary>
    /// Makes the new session with its first prompt, queued. Nothing of this one changes but that an idle agent process ends, so that its
    /// files stand still.
    /// </summary>
    /// <param name="note">Adds to the rows of the new session.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST, CONFLICT, SESSION_OPEN_ELSEWHERE, TURN_NOT_FOUND; for attachments as with any
    /// prompt</exception>
    public Task<(SessionRecord Record, TurnInfo Turn)> ForkAsync(
        AgentSessionForkRequest request, string? deviceId, Action<Change, SessionRecord> note) => session.Mailbox.AskAsync(async () =>
    {
        if (!session.Driver.Description.Fork)
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest, $"{session.Driver.Description.Name} can't go on from a copy of a conversation.");
        }

        terminal.RequireNoTerminal(); // it writes what would be copied
        if (session.Turn is not null || host.IsStarting)
        {
            throw new RequestFailure(ErrorCode.Conflict, "The session is working. Wait until it is done, or stop it first.");
        }

        var native = session.Record.NativeId
            ?? throw new RequestFailure(ErrorCode.InvalidRequest, "The agent has no conversation to copy yet.");
        var turns = await ForkRows.TurnsAsync(session.Store, session.SessionId);
        var point = new ForkPoint(native, MarkOf(request.FromTurnId, turns));
        var last = turns.FirstOrDefault(t => t.TurnId == request.FromTurnId);
        var transcript = await CopiedTranscript.ReadAsync(
            session.Store, session.SessionId, turns.Where(t => !t.Over || (last is not null && t.Ordinal > last.Ordinal))
                .Select(t => t.TurnId).ToHashSet(), last?.TurnId);
        await host.EndProcessAsync();
        try
        {
            session.Services.Agents.CopyState(session.SessionId, request.NewSessionId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RequestFailure(ErrorCode.AgentError, $"The agent's files can't be copied: {e.Message}");
        }

        return await session.Store.WriteAsync(change =>
        {
            if (SessionRows.Find(change, request.NewSessionId) is not null || SessionRows.FindTurn(change, request.PromptId) is not null)
            {
                throw new RequestFailure(ErrorCode.Conflict, "One of the new ids is in use.");
            }

            var made = session.Record with
            {
                SessionId = request.NewSessionId,
                Title = SessionTitle.Of(request.Content),
                NativeId = null,
                Held = false,
                Archived = false,
                Failed = false,
                Usage = new UsageInfo(0, 0, 0, 0, null),
                CreatedAt = change.Now,
                UpdatedAt = change.Now,
                Prompting = session.Record.Prompting with { Renamed = false, Context = null },
            };
            SessionRows.Insert(change, made);
            ForkRows.Insert(change, made.SessionId, session.SessionId, point);
            change.Ledger(new LedgerEntry(LedgerKind.SessionStarted)
            {
                SessionId = made.SessionId.ToString(),
                DeviceId = deviceId,
                Actor = deviceId is null ? ApprovalService.CommandLine : null,
                Sandbox = SandboxName.Of(made.Sandbox),
                Data = new SessionData(made.Agent, made.ProjectId, session.Directory)
                { ForkedFrom = session.SessionId, Folder = made.Folder }.ToJson(),
            });
            note(change, made);
            foreach (var body in transcript.Bodies)
            {
                change.CopyEvent(made.SessionId, body);
            }

            DeletionRows.RequireNot(change, request.NewSessionId);
            var copied = change.Event(
                made.SessionId, new ForkEvent(session.SessionId, session.Record.Title, transcript.Cut) { At = change.Now });
            MarkRows.Save(change, made.SessionId, SessionMarks.None with { Seen = copied }); // what was copied is no news
            var attached = AttachmentRows.Claim(change, made.SessionId, request.Attachments, deviceId, session.Driver.Description.Images);
            return (made, SessionRows.Enqueue(change, made.SessionId, request.PromptId, request.Content, deviceId, attached));
        });
    });

    private string? MarkOf(Guid? from, IReadOnlyList<TurnEnd> turns)
    {
        if (from is null || turns.LastOrDefault(t => t.Over)?.TurnId == from)
        {
            return null;
        }

        var turn = turns.FirstOrDefault(t => t.TurnId == from && t.Over)
            ?? throw new RequestFailure(ErrorCode.TurnNotFound, "That is not a finished turn of this session.");
        return session.Driver.Description.Rewind && turn.Mark is { } mark
            ? mark
            : throw new RequestFailure(
                ErrorCode.InvalidRequest, $"{session.Driver.Description.Name} can't go back to that turn; it can go on from the last one.");
    }
}
