using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The messages about what runs and what it wrote.</summary>
public static class ExecutionRoutes
{
    public static MessageTable MapExecutions(this MessageTable table, ExecutionReader service) => table
        .MapShared(
            Verbs.ExecutionOutput, Scope.View,
            (_, request, cancellationToken) => service.OutputAsync(request, cancellationToken))
        .MapShared(
            Verbs.JobsList, Scope.View,
            (_, request, _) => Task.FromResult(new JobsListResponse(service.Jobs(request.AgentSessionId))))
        .MapShared(
            Verbs.JobStop, Scope.Prompt,
            async (caller, request, _) => new JobStopResponse(
                await service.StopJobAsync(request, caller.Device?.Name ?? "the command line")),
            concurrent: true)
        .Map(DeviceVerbs.SentFile, Scope.View, (_, request, _) => Task.FromResult(service.SentFile(request)));
}

/// <summary>Reads what commands wrote and agents sent, and knows the jobs of all sessions. Thread-safe.</summary>
public sealed class ExecutionReader(Store store, SessionDirectory sessions, SessionArchive archive)
{
    /// <exception cref="RequestFailure">INVALID_REQUEST, APPROVAL_NOT_FOUND, FILE_NOT_FOUND</exception>
    public async Task<ExecutionOutputResponse> OutputAsync(ExecutionOutputRequest request, CancellationToken cancellationToken)
    {
        CheckRange(request.Offset, request.Limit);
        var found = await store.ReadAsync(
            connection => ApprovalRows.List(connection, "approval_id = $id", 1, ("$id", request.ApprovalId.ToString())), cancellationToken);
        var approval = found is [var one] ? one : throw new RequestFailure(ErrorCode.ApprovalNotFound, "No such approval on this machine.");
        var part = (approval.AgentSessionId is { } session ? archive.Read(session, request.ApprovalId, request.Offset, request.Limit)
            : null)
            ?? throw new RequestFailure(
                ErrorCode.FileNotFound, "No output is kept: the machine did not run it itself, or it ran more than seven days ago.");
        return new ExecutionOutputResponse(request.ApprovalId, request.Offset, Convert.ToBase64String(part.Bytes.Span), part.Kept,
            part.Total, approval.State == ApprovalState.Running);
    }

    /// <summary>An approval by its id or the beginning of it.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, APPROVAL_NOT_FOUND</exception>
    public async Task<Guid> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (id.Length is < 8 or > 36 || !id.All(c => char.IsAsciiHexDigitLower(c) || c == '-'))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "Give an approval's id, or a prefix of at least 8 characters.");
        }

        var found = await store.ReadAsync(
            connection => ApprovalRows.List(connection, "approval_id LIKE $id", 2, ("$id", id + "%")), cancellationToken);
        return found switch
        {
            [var one] => one.ApprovalId,
            [] => throw new RequestFailure(ErrorCode.ApprovalNotFound, "No such approval on this machine."),
            _ => throw new RequestFailure(ErrorCode.InvalidRequest,
                $"Ambiguous id: it matches {found[0].ApprovalId} and {found[1].ApprovalId}. Give more characters."),
        };
    }

    /// <summary>Those that run, oldest first.</summary>
    public IReadOnlyList<JobInfo> Jobs(Guid? session)
        => [.. sessions.Actors.SelectMany(a => a.Jobs).Where(j => session is null || j.AgentSessionId == session)
            .OrderBy(j => j.StartedAt)];

    /// <exception cref="RequestFailure">SESSION_NOT_FOUND</exception>
    public Task<bool> StopJobAsync(JobStopRequest request, string who)
        => sessions.Get(request.AgentSessionId).StopJobAsync(request.ApprovalId, who);

    /// <exception cref="RequestFailure">INVALID_REQUEST, FILE_NOT_FOUND</exception>
    public SentFileResponse SentFile(SentFileRequest request)
    {
        CheckRange(request.Offset, request.Limit);
        var part = archive.Read(request.AgentSessionId, request.FileId, request.Offset, request.Limit)
            ?? throw new RequestFailure(ErrorCode.FileNotFound, "The file is no longer kept; ask the agent to send it again.");
        return new SentFileResponse(request.FileId, request.Offset, Convert.ToBase64String(part.Bytes.Span), part.Kept);
    }

    private static void CheckRange(long offset, int limit)
    {
        if (offset < 0 || limit is < 1 or > Limits.RangeBytes)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"offset is 0 or more, limit is 1 to {Limits.RangeBytes}.");
        }
    }
}
