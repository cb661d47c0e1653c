using System.Globalization;
using PocketCoder.Agents;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Matrix;

/// <summary>The rows of the matrix: what every agent is to do, in the order in which they run in one process.</summary>
internal static class MatrixCells
{
    public static IReadOnlyList<(string Row, Func<MatrixAgent, AgentRun, Task> Run)> All { get; } =
    [
        ("plain turn", PlainAsync),
        ("command allowed", AllowedAsync),
        ("command denied", DeniedAsync),
        ("file change", EditAsync),
        ("question", QuestionAsync),
        ("plan", PlanAsync),
        ("600 deltas", DeltasAsync),
        ("stop in a stream", StopStreamAsync),
        ("stop in a command", StopCommandAsync),
        ("queue", QueueAsync),
        ("steer", SteerAsync),
        ("provider 401", (_, run) => FailedAsync(run, "HTTP: 401")),
        ("provider 429, then well", (_, run) => RecoversAsync(run, "HTTP: 429 1\nSAY: made it after 429")),
        ("provider 529, then well", (_, run) => RecoversAsync(run, "HTTP: 529 1\nSAY: made it after 529")),
        ("stream cut", (_, run) => SurvivesAsync(run, "CUT")),
        ("stream malformed", (_, run) => SurvivesAsync(run, "MALFORMED")),
        ("own shell off, ours on", GatedAsync),
        ("resume after kill -9", ResumeAsync),
    ];

    /// <summary>What an agent can't do, and why. Everything else must pass.</summary>
    public static IReadOnlyDictionary<(string Column, string Row), string> NotSupported { get; } = new Dictionary<(string, string), string>
    {
        [("Claude Code", "steer")] = "what it is told during a turn it keeps for a turn of its own",
        [("OpenCode", "steer")] = "a second prompt has no answer and no end of its own",
        [("OpenCode", "plan")] = "its plan mode only reads; it proposes nothing",
        [("OpenCode", "own shell off, ours on")] = "yes, but in a sandbox of its own only (RealOpenCodeSandboxTests)",
        [("Gemini CLI", "question")] = "it has no tool for questions",
        [("Gemini CLI", "steer")] = "a second prompt stops the first",
        [("Gemini CLI", "plan")] = "its plan mode only reads; it proposes nothing",
        [("Gemini CLI", "own shell off, ours on")] = "yes, but in a sandbox of its own only (RealGeminiSandboxTests)",
        [("ACP (claude-agent-acp)", "steer")] = "the protocol has no word for it; a second prompt waits for a turn of its own",
    };

    private static async Task PlainAsync(MatrixAgent agent, AgentRun run)
    {
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("hello")).Outcome);
        Assert.Equal("You said: hello", run.Text);
    }

    private static async Task AllowedAsync(MatrixAgent agent, AgentRun run)
    {
        await run.PromptAsync("BASH: echo 42 > allowed.txt");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal(new AgentSubject.Command("echo 42 > allowed.txt", agent.Project), asked.Subject);
        Assert.False(File.Exists(agent.InProject("allowed.txt")));
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Equal("42\n", await File.ReadAllTextAsync(agent.InProject("allowed.txt")));
    }

    private static async Task DeniedAsync(MatrixAgent agent, AgentRun run)
    {
        await run.PromptAsync("BASH: touch denied.txt");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Deny("no"));
        await run.NextAsync<AgentTurnEnded>();
        Assert.False(File.Exists(agent.InProject("denied.txt")));
    }

    private static async Task EditAsync(MatrixAgent agent, AgentRun run)
    {
        var file = agent.InProject("file.txt");
        await run.PromptAsync($"WRITE: {file} | one\\ntwo\\n\nEDIT: {file} | two | zwei");
        string? before = null;
        for (var i = 0; i < 2; i++)
        {
            var asked = await run.AllowNextAsync();
            var change = Assert.IsType<AgentSubject.Edit>(asked.Subject).Change;
            Assert.Equal((file, before), (change.Path, change.Before));
            await run.NextAsync<AgentToolResult>(r => r.ToolUseId == asked.ToolUseId);
            Assert.Equal(change.After, before = await File.ReadAllTextAsync(file));
        }

        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
    }

    private static async Task QuestionAsync(MatrixAgent agent, AgentRun run)
    {
        await run.PromptAsync("ASK: Which colour? | red | blue");
        var asked = await run.NextAsync<AgentQuestionAsked>();
        Assert.Equal(["red", "blue"], asked.Questions.Single().Options.Select(o => o.Label));
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Reply(new Dictionary<string, string> { ["Which colour?"] = "blue" }));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Contains("blue", run.Text, StringComparison.Ordinal);
    }

    private static async Task PlanAsync(MatrixAgent agent, AgentRun run)
    {
        await run.Process.SetModeAsync("plan", CancellationToken.None);
        await run.PromptAsync("PLAN: 1. do x");
        var plan = await run.NextAsync<AgentPlanProposed>();
        Assert.Equal("1. do x", plan.Plan.Trim());
        await run.AnswerAsync(plan.RequestId, new AgentAnswer.AcceptPlan());
        Assert.Equal("default", (await run.NextAsync<AgentModeChanged>(m => m.Mode != "plan")).Mode);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
    }

    private static async Task DeltasAsync(MatrixAgent agent, AgentRun run)
    {
        var before = run.Text.Length;
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("LONG: 600")).Outcome);
        Assert.Equal(string.Concat(Enumerable.Range(0, 600).Select(n => $"w{n} ")), run.Text[before..]);
    }

    private static async Task StopStreamAsync(MatrixAgent agent, AgentRun run)
    {
        await run.PromptAsync("SLOW: 20\nLONG: 3000");
        await run.NextAsync<AgentDelta>();
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
    }

    private static async Task StopCommandAsync(MatrixAgent agent, AgentRun run)
    {
        await run.PromptAsync("BASH: echo $$ > pid.new; mv pid.new pid; sleep 300");
        await run.AllowNextAsync();
        await Wait.UntilAsync(() => File.Exists(agent.InProject("pid")), "the command to run");
        var pid = int.Parse(await File.ReadAllTextAsync(agent.InProject("pid")), CultureInfo.InvariantCulture);
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        await Wait.UntilAsync(() => ProcessGroup.Identify(pid) is null, "the command to be gone");
    }

    /// <summary>
    /// As the machine's queue does: the next prompt is given the instant the turn before it ended, here a stopped one. Each is a turn of
    /// its own.
    /// </summary>
    private static async Task QueueAsync(MatrixAgent agent, AgentRun run)
    {
        var before = run.Of<AgentTurnEnded>().Count;
        var waiting = new Queue<string>(["SAY: second.", "third"]);
        run.AtTurnEnd = () => waiting.TryDequeue(out var next) ? run.PromptAsync(next) : Task.CompletedTask;
        await run.PromptAsync("SLOW: 20\nLONG: 3000");
        await run.NextAsync<AgentDelta>();
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.EndsWith("second.", run.TextUntil(before + 2), StringComparison.Ordinal);
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.EndsWith("second.You said: third", run.TextUntil(before + 3), StringComparison.Ordinal);
        run.AtTurnEnd = null;
    }

    /// <summary>Words that come while it works are answered in the same turn; those that come too late are not taken.</summary>
    private static async Task SteerAsync(MatrixAgent agent, AgentRun run)
    {
        var before = run.Of<AgentTurnEnded>().Count;
        await run.PromptAsync("SLOW: 20\nLONG: 3000");
        await run.NextAsync<AgentDelta>();
        Assert.True(await run.SteerAsync("SAY: steered reply"));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.EndsWith("steered reply", run.TextUntil(before + 1), StringComparison.Ordinal);
        Assert.False(await run.SteerAsync("SAY: too late"));
    }

    private static async Task FailedAsync(AgentRun run, string prompt)
    {
        var end = await run.TurnAsync(prompt);
        Assert.Equal(TurnOutcome.Failed, end.Outcome);
        Assert.False(string.IsNullOrWhiteSpace(end.Error));
    }

    private static async Task RecoversAsync(AgentRun run, string prompt)
    {
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync(prompt)).Outcome);
        Assert.Contains("made it after", run.Text, StringComparison.Ordinal);
    }

    /// <summary>It comes through, or says why not; and the next turn works.</summary>
    private static async Task SurvivesAsync(AgentRun run, string prompt)
    {
        var end = await run.TurnAsync(prompt);
        Assert.True(end.Outcome == TurnOutcome.Completed || (end.Outcome == TurnOutcome.Failed && !string.IsNullOrWhiteSpace(end.Error)));
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync($"after {prompt.ToLowerInvariant()}")).Outcome);
    }

    private static async Task GatedAsync(MatrixAgent agent, AgentRun run)
    {
        await using var gated = await agent.StartAsync(tools: [new HostTool(
            "bash", "Runs a command.", """{"type":"object","properties":{"command":{"type":"string"}},"required":["command"]}""")]);
        await gated.PromptAsync("BASH: touch gated.txt");
        var call = await gated.NextAsync<AgentHostCall>();
        Assert.Contains("\"touch gated.txt\"", call.InputJson, StringComparison.Ordinal);
        await gated.AnswerAsync(call.RequestId, new AgentAnswer.HostResult("ours", IsError: false));
        Assert.Equal(TurnOutcome.Completed, (await gated.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.False(File.Exists(agent.InProject("gated.txt")));
        Assert.Contains(gated.Of<AgentToolResult>(), r => r.Output == "ours");
    }

    private static async Task ResumeAsync(MatrixAgent agent, AgentRun run)
    {
        var id = run.Of<AgentReady>()[^1].NativeId;
        Assert.True(await ProcessGroup.KillAsync(run.Process.Process!, TimeSpan.Zero, TimeProvider.System));
        await run.NextAsync<AgentEnded>();
        await using var again = await agent.StartAsync(id);
        Assert.Equal(TurnOutcome.Completed, (await again.TurnAsync("still there?")).Outcome);
        Assert.Equal("You said: still there?", again.Text);
    }
}
