namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>The commands and jobs that run for an agent's calls. On the mailbox only.</summary>
internal interface IRunningWork
{
    /// <summary>Whether a person, or a command of ours, is what the agent waits for.</summary>
    bool HoldsAgent { get; }

    bool HasJobs { get; }

    /// <summary>Nobody waits for this call any more: what runs for it ends, and how it ended is recorded.</summary>
    Task StopAsync(string requestId);

    /// <summary>Ends the job that runs by this approval, when there is one; its end is recorded as any other's.</summary>
    void StopJobOf(Guid approvalId);
}
