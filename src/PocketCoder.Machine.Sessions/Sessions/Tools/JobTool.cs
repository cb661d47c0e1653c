using System.Text;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions.Jobs;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// The session's jobs: commands that go on when the turn is over, and end with the session; and the calls by which an agent reads, lists,
/// ends and writes to them. On the mailbox only, but for <see cref="Infos"/>.
/// </summary>
internal sealed class JobTool(SessionContext session, AgentHost host, ToolGate gate, SnapshotCover cover, CommandGuards guards,
    ApprovalCloser closer, HostAllowances hosts)
{
    /// <summary>Ended jobs whose output the agent may still ask for.</summary>
    private const int EndedJobs = 32;

    /// <summary>
    /// Those that run and the last that ended, oldest first. Changed on the mailbox only, as a whole, so that others may read it.
    /// </summary>
    private volatile IReadOnlyList<Job> _jobs = [];

    /// <summary>Calls that wait for a job's end.</summary>
    private readonly HashSet<string> _waits = new(StringComparer.Ordinal);

    private bool _earlierJobsTold;

    /// <summary>Text that is to be written to a job.</summary>
    /// <param name="JobApproval">The job, by the decision that it runs by.</param>
    private sealed record InputRequest(JobTool Tool, AgentHostCall Call, AgentApprovalAsked As, Guid JobApproval, string Text, bool Close)
        : AgentRequest(Call.RequestId, Call.ToolUseId)
    {
        public override bool IsOurTool => true;

        public override Task<AgentAnswer?> BeginAsync(ApprovalInfo approval, DecisionRequest? decision)
            => Tool.BeginInputAsync(this, approval);
    }

    /// <summary>Those that run now. Any thread.</summary>
    public IReadOnlyList<JobInfo> Infos
        => [.. Running.Select(j => new JobInfo(
            session.SessionId, j.ApprovalId, j.Name, j.Command, j.Folder, j.StartedAt, j.Execution.Bytes))];

    public IEnumerable<Job> Running => _jobs.Where(j => j.Result is null);

    /// <summary>Why another one must not begin; null when it may.</summary>
    public string? TooMany => Running.Count() >= Limits.Jobs ? $"{Limits.Jobs} jobs run already in this session. End one first (job_kill)."
        : null;

    /// <summary>A person ends a job. Returns when it is over; false when it was before.</summary>
    public async Task<bool> StopAsync(Guid approvalId, string who)
    {
        var job = await session.Mailbox.AskAsync(
            () => Task.FromResult(MarkStopped(Running.FirstOrDefault(j => j.ApprovalId == approvalId), who)));
        if (job is null)
        {
            return false;
        }

        await job.Execution.KillAsync();
        await session.Mailbox.AskAsync(async () =>
        {
            await EndedAsync(job);
            return true;
        });
        return true;
    }

    /// <summary>It runs from now on.</summary>
    /// <returns>What the agent is told.</returns>
    public AgentAnswer.HostResult Begin(Job job)
    {
        _jobs = [.. _jobs, job];
        WatchAsync().Observed(session.Services.Logger, "waiting for a job");
        return new AgentAnswer.HostResult(
            $"{job.Name} runs in the background. Its output: job_output; its end: job_kill. It goes on when your turn is over.",
            IsError: false);

        async Task WatchAsync()
        {
            await job.Execution.Completed;
            session.Mailbox.Later(() => EndedAsync(job));
        }
    }

    /// <summary>Ends all that run.</summary>
    public async Task EndAllAsync(string who)
    {
        var running = Running.Select(j => MarkStopped(j, who)!).ToList();
        try
        {
            await Task.WhenAll(running.Select(EndAsync)).WaitAsync(CommandTool.EndLimit, session.Services.Time);
        }
        catch (TimeoutException)
        {
            SessionLog.CannotRecord(session.Services.Logger, session.SessionId, "a job could not be ended; its outcome is unknown");
        }

        foreach (var job in running.Where(j => j.Execution.Completed.IsCompleted))
        {
            await EndedAsync(job);
        }

        static async Task EndAsync(Job job)
        {
            await job.Execution.KillAsync();
            await job.Execution.Completed; // the last of its output is read then
        }
    }

    /// <summary>Ends the job that runs by this approval because of an error of ours.</summary>
    public void StopJobOf(Guid approvalId)
    {
        if (MarkStopped(Running.FirstOrDefault(j => j.ApprovalId == approvalId), "an error inside PocketCoder") is { } job)
        {
            job.Execution.KillAsync().Observed(session.Services.Logger, "ending a job"); // its end is recorded as any other's
        }
    }

    /// <summary>This call no longer waits for a job.</summary>
    public void StopWaiting(string requestId) => _waits.Remove(requestId);

    /// <summary>No call waits for a job any more.</summary>
    public void StopWaiting() => _waits.Clear();

    /// <summary>What the agent is to know before it goes on: jobs that ended since it last heard. Null when there is nothing.</summary>
    public async Task<string?> NoteAsync()
    {
        List<string> lines = [.. _jobs.Where(j => j is { Result: not null, Told: false }).Select(JobReport.Line)];
        foreach (var job in _jobs)
        {
            job.Told |= job.Result is not null;
        }

        if (!_earlierJobsTold)
        {
            _earlierJobsTold = true;
            var mine = _jobs.Select(j => j.ApprovalId).ToHashSet();
            lines.InsertRange(0, (await session.Store.ReadAsync(
                connection => ApprovalRows.EndedJobs(connection, session.SessionId, EndedJobs), CancellationToken.None))
                .Where(a => !mine.Contains(a.ApprovalId))
                .Select(a => $"{a.Execution!.Job}: {(a.State == ApprovalState.Unknown ? "lost when the machine restarted; what it did is not known" : $"ended (exit code {a.Execution.ExitCode})")}; {JobReport.Short(((CommandSubject)a.Subject).Command)}"));
        }

        return lines.Count == 0 ? null : new StringBuilder("Since your last turn these jobs ended:\n").AppendJoin('\n', lines).ToString();
    }

    public async Task OutputAsync(AgentHostCall call)
    {
        if (JobTools.ParseOutput(call.InputJson, out var refusal) is not { } asked)
        {
            await gate.RefuseCallAsync(call, refusal);
            return;
        }

        if (FindJob(asked.Job) is not { } job)
        {
            await gate.RefuseCallAsync(call, NoSuchJob(asked.Job));
            return;
        }

        if (asked.Wait <= TimeSpan.Zero || job.Result is not null)
        {
            await AnswerAsync();
            return;
        }

        _waits.Add(call.RequestId);
        gate.Beside(call, null, WaitAsync);

        async Task WaitAsync()
        {
            using var stop = new CancellationTokenSource();
            await Task.WhenAny(job.Execution.Completed, Task.Delay(asked.Wait, session.Services.Time, stop.Token));
            await stop.CancelAsync();
            gate.LaterFor(call, null, async () =>
            {
                if (_waits.Remove(call.RequestId))
                {
                    await AnswerAsync();
                }
            });
        }

        async Task AnswerAsync()
        {
            if (job.Execution.Completed.IsCompleted)
            {
                await EndedAsync(job);
            }

            var (text, readTo) = JobReport.Output(
                job, session.Services.Archive, session.SessionId, asked.Since ?? job.ReadTo, session.Services.OutputLimit);
            job.ReadTo = readTo;
            job.Told = job.Result is not null;
            await host.TellAsync(call.RequestId, new AgentAnswer.HostResult(text, IsError: false));
        }
    }

    public async Task ListAsync(AgentHostCall call)
    {
        var text = JobReport.List(_jobs);
        foreach (var job in _jobs)
        {
            job.Told = job.Result is not null;
        }

        await host.TellAsync(call.RequestId, new AgentAnswer.HostResult(text, IsError: false));
    }

    public async Task KillAsync(AgentHostCall call)
    {
        if (JobTools.ParseKill(call.InputJson, out var refusal) is not { } name)
        {
            await gate.RefuseCallAsync(call, refusal);
            return;
        }

        if (FindJob(name) is not { } job)
        {
            await gate.RefuseCallAsync(call, NoSuchJob(name));
            return;
        }

        if (job.Result is null)
        {
            MarkStopped(job, "the agent");
        }

        gate.Beside(call, null, EndAsync);

        async Task EndAsync()
        {
            await job.Execution.KillAsync();
            gate.LaterFor(call, null, async () =>
            {
                await EndedAsync(job);
                job.Told = true;
                await host.TellAsync(call.RequestId, new AgentAnswer.HostResult(JobReport.Line(job), IsError: false));
            });
        }
    }

    public async Task InputAsync(AgentHostCall call)
    {
        if (JobTools.ParseInput(call.InputJson, out var refusal) is not { } input)
        {
            await gate.RefuseCallAsync(call, refusal);
            return;
        }

        if (FindJob(input.Job) is not { Result: null } job)
        {
            await gate.RefuseCallAsync(call, NoSuchJob(input.Job));
            return;
        }

        var asked = new AgentApprovalAsked(
            call.RequestId, call.ToolUseId, call.ToolName, new AgentSubject.Tool(call.ToolName), call.InputJson);
        var request = new InputRequest(this, call, asked, job.ApprovalId, input.Text, input.Close);
        await gate.AskAsync(request, (turn, around) => ToolDrafts.Of(session, asked, turn, around) with
        {
            Kind = ApprovalKind.JobInput,
            Subject = new JobInputSubject(job.Name, job.Command, input.Text, input.Close, call.ToolName, call.InputJson),
            Exactly = ToolDrafts.Exactly(session, asked).With("job", job.ApprovalId.ToString()),
            ReachKey = $"job-input:{job.ApprovalId}",
            ReachWords = $"anything that is written to {job.Name} ({JobReport.Short(job.Command)})",
        });
    }

    private async Task<AgentAnswer?> BeginInputAsync(InputRequest input, ApprovalInfo approval)
    {
        session.Seam("input");
        Job? job = null;
        AgentAnswer.Deny? withdrawn = null;
        var beginning = await session.Services.Approvals.BeginAsync(
            approval.ApprovalId,
            () => Task.FromResult(ApprovalDigest.Fits(approval, ToolDrafts.Exactly(session, input.As)
                .With("job", input.JobApproval.ToString())) ? null : "what would be written is not what was approved"),
            StartAsync);
        if (!beginning.Begun)
        {
            return withdrawn ?? await gate.NotBegunAsync(approval, beginning, hint: "");
        }

        gate.Beside(input.Call, approval.ApprovalId, WriteAsync);
        return null;

        async Task<bool> StartAsync()
        {
            job = Running.FirstOrDefault(j => j.ApprovalId == input.JobApproval);
            if (job is null || gate.IsVoid(input.Call.RequestId))
            {
                withdrawn = new AgentAnswer.Deny("Not done: the job has ended.");
                await session.Services.Approvals.WithdrawAsync(approval.ApprovalId, "the job has ended, or the agent no longer waits");
                return false;
            }

            return await session.Services.Approvals.StartAsync(approval.ApprovalId);
        }

        async Task WriteAsync()
        {
            var started = session.Services.Time.GetTimestamp();
            var problem = await job!.Execution.WriteAsync(input.Text, input.Close);
            var duration = session.Services.Time.GetElapsedTime(started);
            gate.LaterFor(input.Call, approval.ApprovalId, async () =>
            {
                session.Seam("written");
                await session.Store.WriteAsync(
                    change => ApprovalSteps.Finish(change, approval.ApprovalId, EventTranslator.Finished(problem is not null, duration)));
                await host.TellAsync(input.Call.RequestId,
                    new AgentAnswer.HostResult(problem ?? $"Written to {job.Name}.", IsError: problem is not null));
            });
        }
    }

    /// <summary>Records its real end, once.</summary>
    private async Task EndedAsync(Job job)
    {
        if (job.Result is not null)
        {
            return;
        }

        var result = await job.Execution.Completed;
        try
        {
            session.Seam("job ended");
            await session.Store.WriteAsync(change =>
            {
                ApprovalSteps.FinishJob(change, job.ApprovalId, EventTranslator.Finished(result) with { StoppedBy = job.StoppedBy },
                    result.Outcome.End == Sandboxes.ExecEnd.Lost);
                guards.Record(change, job.ApprovalId, result.Guard);
            });
        }
        catch (LedgerException e) when (SessionContext.Passes(e))
        {
            session.TryAgain(() => EndedAsync(job), e);
            return;
        }
        catch (Exception e)
        {
            await closer.CloseUnrecordedAsync(job.ApprovalId, e);
        }

        job.Result = result;
        hosts.Release(job.ApprovalId.ToString());
        cover.End(job.ApprovalId, result.Guard);
        var ended = _jobs.Where(j => j.Result is not null).ToList();
        _jobs = [.. _jobs.Except(ended.Take(ended.Count - EndedJobs))];
        if (host.Agent is null && session.Turn is null && !Running.Any())
        {
            await session.Services.Sandboxes.EndAsync(session.SessionId); // it was kept for the job only
        }
    }

    private static Job? MarkStopped(Job? job, string who)
    {
        if (job is not null)
        {
            job.StoppedBy ??= who;
        }

        return job;
    }

    private Job? FindJob(string name) => _jobs.FirstOrDefault(j => j.Name == name);

    private string NoSuchJob(string name) => FindJob(name) is { Result: not null } ended
        ? $"{ended.Name} is over ({JobReport.StateOf(ended)})."
        : $"There is no such job.\n{JobReport.List(_jobs)}";
}
