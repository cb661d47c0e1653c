using System.Text;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions.Jobs;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The session's jobs: commands that go on when the turn is over, and end with the session.</summary>
internal sealed partial class SessionActor
{
    /// <summary>Ended jobs whose output the agent may still ask for.</summary>
    private const int EndedJobs = 32;

    /// <summary>Those that run and the last that ended, oldest first. Changed on the mailbox only, as a whole, so that others may read it.</summary>
    private volatile IReadOnlyList<Job> _jobs = [];

    /// <summary>Calls that wait for a job's end.</summary>
    private readonly HashSet<string> _waits = new(StringComparer.Ordinal);

    private bool _earlierJobsTold;

    /// <summary>Those that run now. Any thread.</summary>
    public IReadOnlyList<JobInfo> Jobs
        => [.. RunningJobs.Select(j => new JobInfo(_record.SessionId, j.ApprovalId, j.Name, j.Command, j.Folder, j.StartedAt, j.Execution.Bytes))];

    private IEnumerable<Job> RunningJobs => _jobs.Where(j => j.Result is null);

    private string? TooManyJobs => RunningJobs.Count() >= Limits.Jobs ? $"{Limits.Jobs} jobs run already in this session. End one first (job_kill)." : null;

    /// <summary>A person ends a job. Returns when it is over; false when it was before.</summary>
    public async Task<bool> StopJobAsync(Guid approvalId, string who)
    {
        var job = await AskAsync(() => Task.FromResult(MarkStopped(RunningJobs.FirstOrDefault(j => j.ApprovalId == approvalId), who)));
        if (job is null)
        {
            return false;
        }

        await job.Execution.KillAsync();
        await AskAsync(async () =>
        {
            await JobEndedAsync(job);
            return true;
        });
        return true;
    }

    private static Job? MarkStopped(Job? job, string who)
    {
        if (job is not null)
        {
            job.StoppedBy ??= who;
        }

        return job;
    }

    private AgentAnswer.HostResult BeginJob(Job job)
    {
        _jobs = [.. _jobs, job];
        _ = WatchAsync();
        return new AgentAnswer.HostResult($"{job.Name} runs in the background. Its output: job_output; its end: job_kill. It goes on when your turn is over.", IsError: false);

        async Task WatchAsync()
        {
            await job.Execution.Completed;
            Later(() => JobEndedAsync(job));
        }
    }

    /// <summary>Records its real end, once.</summary>
    private async Task JobEndedAsync(Job job)
    {
        if (job.Result is not null)
        {
            return;
        }

        var result = await job.Execution.Completed;
        try
        {
            await Store.WriteAsync(change => ApprovalDesk.FinishJob(change, job.ApprovalId, EventTranslator.Finished(result) with { StoppedBy = job.StoppedBy }, result.Outcome.End == Hands.ExecEnd.Lost));
        }
        catch (LedgerException e) when (Passes(e))
        {
            TryAgain(() => JobEndedAsync(job), e);
            return;
        }

        job.Result = result;
        ForgetHostsOf(job.ApprovalId.ToString());
        Covered(job.ApprovalId);
        var ended = _jobs.Where(j => j.Result is not null).ToList();
        _jobs = [.. _jobs.Except(ended.Take(ended.Count - EndedJobs))];
        if (_process is null && _turn is null && !RunningJobs.Any())
        {
            await _services.Hands.EndAsync(_record.SessionId); // it was kept for the job only
        }
    }

    /// <summary>Ends all that run.</summary>
    private async Task EndJobsAsync(string who)
    {
        var running = RunningJobs.Select(j => MarkStopped(j, who)!).ToList();
        try
        {
            await Task.WhenAll(running.Select(EndAsync)).WaitAsync(EndLimit, _services.Time);
        }
        catch (TimeoutException)
        {
            Log.CannotRecord(_services.Logger, _record.SessionId, "a job could not be ended; its outcome is unknown");
        }

        foreach (var job in running.Where(j => j.Execution.Completed.IsCompleted))
        {
            await JobEndedAsync(job);
        }

        static async Task EndAsync(Job job)
        {
            await job.Execution.KillAsync();
            await job.Execution.Completed; // the last of its output is read then
        }
    }

    private async Task JobOutputAsync(AgentHostCall call)
    {
        if (JobTools.ParseOutput(call.InputJson, out var refusal) is not { } asked)
        {
            await RefuseCallAsync(call, refusal);
            return;
        }

        if (FindJob(asked.Job) is not { } job)
        {
            await RefuseCallAsync(call, NoSuchJob(asked.Job));
            return;
        }

        if (asked.Wait <= TimeSpan.Zero || job.Result is not null)
        {
            await AnswerAsync();
            return;
        }

        _waits.Add(call.RequestId);
        _ = WaitAsync();

        async Task WaitAsync()
        {
            using var stop = new CancellationTokenSource();
            await Task.WhenAny(job.Execution.Completed, Task.Delay(asked.Wait, _services.Time, stop.Token));
            await stop.CancelAsync();
            Later(async () =>
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
                await JobEndedAsync(job);
            }

            var (text, readTo) = JobReport.Output(job, _services.Archive, _record.SessionId, asked.Since ?? job.ReadTo, _services.OutputLimit);
            job.ReadTo = readTo;
            job.Told = job.Result is not null;
            await TellAgentAsync(call.RequestId, new AgentAnswer.HostResult(text, IsError: false));
        }
    }

    private async Task JobListAsync(AgentHostCall call)
    {
        var text = JobReport.List(_jobs);
        foreach (var job in _jobs)
        {
            job.Told = job.Result is not null;
        }

        await TellAgentAsync(call.RequestId, new AgentAnswer.HostResult(text, IsError: false));
    }

    private async Task JobKillAsync(AgentHostCall call)
    {
        if (JobTools.ParseKill(call.InputJson, out var refusal) is not { } name)
        {
            await RefuseCallAsync(call, refusal);
            return;
        }

        if (FindJob(name) is not { } job)
        {
            await RefuseCallAsync(call, NoSuchJob(name));
            return;
        }

        if (job.Result is null)
        {
            MarkStopped(job, "the agent");
        }

        _ = KillAsync();

        async Task KillAsync()
        {
            await job.Execution.KillAsync();
            Later(async () =>
            {
                await JobEndedAsync(job);
                job.Told = true;
                await TellAgentAsync(call.RequestId, new AgentAnswer.HostResult(JobReport.Line(job), IsError: false));
            });
        }
    }

    private async Task JobInputAsync(AgentHostCall call)
    {
        if (JobTools.ParseInput(call.InputJson, out var refusal) is not { } input)
        {
            await RefuseCallAsync(call, refusal);
            return;
        }

        if (FindJob(input.Job) is not { Result: null } job)
        {
            await RefuseCallAsync(call, NoSuchJob(input.Job));
            return;
        }

        var asked = new AgentApprovalAsked(call.RequestId, call.ToolUseId, call.ToolName, new AgentSubject.Tool(call.ToolName), call.InputJson);
        var request = new HostInput(call, asked, job.ApprovalId, input.Text, input.Close);
        await AskAsync(call.RequestId, request, turn => EventTranslator.Approval(asked, _record, turn, _directory) with
        {
            Kind = ApprovalKind.JobInput,
            Subject = new JobInputSubject(job.Name, job.Command, input.Text, input.Close, call.ToolName, call.InputJson),
            Digest = DigestOf(asked, job.ApprovalId.ToString()),
            ReachKey = $"job-input:{job.ApprovalId}",
            ReachWords = $"anything that is written to {job.Name} ({JobReport.Short(job.Command)})",
        });
    }

    private async Task<AgentAnswer?> BeginInputAsync(HostInput input, ApprovalInfo approval)
    {
        if (DigestOf(input.As, input.JobApproval.ToString()) != approval.Digest)
        {
            await _services.Approvals.RefuseAsync(approval.ApprovalId, "what would be written is not what was approved");
            return new AgentAnswer.Deny("Not done: what would be written is not what was approved.");
        }

        if (RunningJobs.FirstOrDefault(j => j.ApprovalId == input.JobApproval) is not { } job || IsVoid(input.Call.RequestId))
        {
            await _services.Approvals.WithdrawAsync(approval.ApprovalId, "the job is over, or the agent no longer waits");
            return new AgentAnswer.Deny("Not done: the job is over.");
        }

        if (!await _services.Approvals.StartAsync(approval.ApprovalId))
        {
            return new AgentAnswer.Deny("It is no longer allowed.");
        }

        _ = WriteAsync();
        return null;

        async Task WriteAsync()
        {
            var started = _services.Time.GetTimestamp();
            var problem = await job.Execution.WriteAsync(input.Text, input.Close);
            var duration = _services.Time.GetElapsedTime(started);
            Later(async () =>
            {
                await Store.WriteAsync(change => ApprovalDesk.Finish(change, approval.ApprovalId, EventTranslator.Finished(problem is not null, duration)));
                await TellAgentAsync(input.Call.RequestId, new AgentAnswer.HostResult(problem ?? $"Written to {job.Name}.", IsError: problem is not null));
            });
        }
    }

    private Job? FindJob(string name) => _jobs.FirstOrDefault(j => j.Name == name);

    private string NoSuchJob(string name) => FindJob(name) is { Result: not null } ended
        ? $"{ended.Name} is over ({JobReport.StateOf(ended)})."
        : $"There is no such job.\n{JobReport.List(_jobs)}";

    /// <summary>What the agent is to know before it goes on: jobs that ended since it last heard. Null when there is nothing.</summary>
    private async Task<string?> JobNoteAsync()
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
            lines.InsertRange(0, (await Store.ReadAsync(connection => ApprovalRows.EndedJobs(connection, _record.SessionId, EndedJobs), CancellationToken.None))
                .Where(a => !mine.Contains(a.ApprovalId))
                .Select(a => $"{a.Execution!.Job}: {(a.State == ApprovalState.Unknown ? "lost when the machine restarted; what it did is not known" : $"ended (exit code {a.Execution.ExitCode})")}; {JobReport.Short(((CommandSubject)a.Subject).Command)}"));
        }

        return lines.Count == 0 ? null : new StringBuilder("Since your last turn these jobs ended:\n").AppendJoin('\n', lines).ToString();
    }
}
