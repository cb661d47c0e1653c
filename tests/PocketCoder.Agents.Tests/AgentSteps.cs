using System.Globalization;
using PocketCoder.Agents;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests;

/// <summary>
/// What every agent is held to in the same way, by its real program: one place for the steps, so that no agent's copy falls behind.
/// </summary>
internal static class AgentSteps
{
    /// <summary>Stops a turn that writes, then one that waits for a person.</summary>
    public static async Task StopAStreamAndAQuestionAsync(this AgentRun run)
    {
        await run.PromptAsync("SLOW: 20\nLONG: 3000");
        await run.NextAsync<AgentDelta>();
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);

        await run.PromptAsync("BASH: touch never");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(asked.RequestId, (await run.NextAsync<AgentRequestWithdrawn>()).RequestId);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.False(await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson)));
    }

    /// <summary>Lets it run a command that lasts.</summary>
    /// <param name="then">Shell words behind the command.</param>
    /// <returns>The command's process.</returns>
    public static async Task<int> RunLongCommandAsync(this AgentRun run, string project, string then = "")
    {
        var file = Path.Combine(project, "pid");
        await run.PromptAsync($"BASH: echo $$ > pid.new; mv pid.new pid; sleep 300{then}");
        await run.AllowNextAsync();
        await Wait.UntilAsync(() => File.Exists(file), "the command to run");
        return int.Parse(await File.ReadAllTextAsync(file), CultureInfo.InvariantCulture);
    }

    /// <summary>Disposes it in the middle of a command: neither is there any more.</summary>
    public static async Task EndInTheMiddleOfACommandAsync(this AgentRun run, string project)
    {
        var pid = await run.RunLongCommandAsync(project);
        var identity = run.Process.Process!;
        Assert.Equal("closed", (await run.EndAsync()).Reason);
        Assert.False(PocketCoder.Processes.ProcessGroup.IsAnyAlive(identity));
        Assert.Null(PocketCoder.Processes.ProcessGroup.Identify(pid));
    }

    /// <summary>Of three commands one is allowed (once), one is allowed and fails, and one is denied.</summary>
    /// <param name="harmless">The first of them, which was asked for.</param>
    /// <returns>The result of the one that was denied.</returns>
    public static async Task<AgentToolResult> AnswerThreeCommandsAsync(this AgentRun run, string project, AgentApprovalAsked harmless)
    {
        Assert.True(await run.AnswerAsync(harmless.RequestId, new AgentAnswer.Allow(harmless.InputJson)));
        Assert.False(await run.AnswerAsync(harmless.RequestId, new AgentAnswer.Allow(harmless.InputJson))); // once

        var fails = await run.NextAsync<AgentApprovalAsked>();
        Assert.False(File.Exists(Path.Combine(project, "out.txt")));
        await run.AnswerAsync(fails.RequestId, new AgentAnswer.Allow(fails.InputJson));
        Assert.Equal(3, (await run.NextAsync<AgentToolResult>(r => r.ToolUseId == fails.ToolUseId)).ExitCode);
        Assert.Equal("42\n", await File.ReadAllTextAsync(Path.Combine(project, "out.txt")));

        var denied = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(denied.RequestId, new AgentAnswer.Deny("not on a Sunday"));
        return await run.NextAsync<AgentToolResult>(r => r.ToolUseId == denied.ToolUseId);
    }

    /// <summary>Allows another command than the one that was asked for, then denies one with the turn.</summary>
    public static async Task RefuseSomethingElseAndStopAsync(this AgentRun run, string project)
    {
        await run.PromptAsync("BASH: touch asked\nBASH: touch second");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson.Replace("asked", "other", StringComparison.Ordinal)));
        Assert.True((await run.NextAsync<AgentToolResult>()).IsError);

        var second = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(second.RequestId, new AgentAnswer.Deny("stop", Interrupt: true));
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Empty(Directory.GetFileSystemEntries(project));
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("go on")).Outcome);
    }

    /// <summary>Allows so many changes of a file: each shows what was there and becomes what was shown. Then the turn ends.</summary>
    public static async Task AllowChangesAsync(this AgentRun run, string file, int changes)
    {
        string? before = null;
        for (var i = 0; i < changes; i++)
        {
            var asked = await run.AllowNextAsync();
            var change = Assert.IsType<AgentSubject.Edit>(asked.Subject).Change;
            Assert.Equal((file, before), (change.Path, change.Before));
            Assert.False((await run.NextAsync<AgentToolResult>()).IsError);
            Assert.Equal(change.After, await File.ReadAllTextAsync(file));
            before = change.After;
        }

        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
    }
}
