using System.Globalization;
using PocketCoder.Agents;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Stub;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Stub;

public sealed class StubTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    private string Project => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task It_hears_words_while_it_works_and_none_once_the_turn_is_over()
    {
        await using var run = await StartAsync();
        await run.PromptAsync("confirm: wait\none two");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        Assert.True(await run.SteerAsync("three"));
        Assert.True(await run.SteerAsync("four"));
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson));
        await run.NextAsync<AgentTurnEnded>();

        Assert.Equal("(You said: three) one (You said: four) two", run.Text);
        Assert.False(await run.SteerAsync("five"));
        Assert.True(run.Of<AgentContext>()[^1].UsedTokens > 0);
    }

    [Fact]
    public async Task Plain_words_are_echoed_word_by_word()
    {
        await using var run = await StartAsync();
        Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync("hello there\nold friend")).Outcome);
        var block = Assert.Single(run.Of<AgentBlock>());
        Assert.Equal("hello there\nold friend", block.Text);
        Assert.Equal(["hello ", "there\n", "old ", "friend"], run.Of<AgentDelta>().Select(d => d.Text));
        Assert.All(run.Of<AgentDelta>(), d => Assert.Equal(block.BlockId, d.BlockId));
        Assert.Equal("closed", (await run.EndAsync()).Reason);
    }

    [Fact]
    public async Task A_command_runs_only_after_it_was_allowed_and_tells_its_exit_code()
    {
        await using var run = await StartAsync();
        await run.PromptAsync("run: echo $((40+2)) > out; cat out; exit 3");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal(new AgentSubject.Command("echo $((40+2)) > out; cat out; exit 3", Project), asked.Subject);
        Assert.Empty(_folder.GetFiles());
        Assert.True(await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson)));
        var result = await run.NextAsync<AgentToolResult>();
        Assert.Equal((3, true, "42\n"), (result.ExitCode, result.IsError, result.Output));
        Assert.False(await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson)));
    }

    [Fact]
    public async Task Another_input_than_the_asked_one_is_refused()
    {
        await using var run = await StartAsync();
        await run.PromptAsync("run: touch asked\nwrite: file | text");
        var command = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(command.RequestId,
            new AgentAnswer.Allow(command.InputJson.Replace("asked", "other", StringComparison.Ordinal)));
        Assert.Contains("not what was asked", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
        var write = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(write.RequestId, new AgentAnswer.Allow(write.InputJson + " "));
        Assert.True((await run.NextAsync<AgentToolResult>()).IsError);
        await run.NextAsync<AgentTurnEnded>();
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public async Task A_denial_is_told_and_may_end_the_turn()
    {
        await using var run = await StartAsync();
        await run.PromptAsync("run: touch one\nrun: touch two\nrun: touch three");
        var one = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(one.RequestId, new AgentAnswer.Deny("no"));
        Assert.Equal("Denied: no", (await run.NextAsync<AgentToolResult>()).Output);
        var two = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(two.RequestId, new AgentAnswer.Deny("stop", Interrupt: true));
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Equal(2, run.Of<AgentToolResult>().Count);
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public async Task A_file_is_written_as_shown_beneath_the_project_only()
    {
        Directory.CreateSymbolicLink(Path.Combine(Project, "door"), Path.GetTempPath());
        await using var run = await StartAsync();
        await run.PromptAsync(
            "write: sub/a.txt | one\\ntwo\\\\n\nwrite: sub/a.txt | three\nwrite: ../x | no\nwrite: door/x | no\nwrite: /etc/x | no");
        var first = Assert.IsType<AgentSubject.Edit>((await run.AllowNextAsync()).Subject).Change;
        Assert.Equal(new FileChange(Path.Combine(Project, "sub/a.txt"), null, "one\ntwo\\n"), first);
        Assert.False((await run.NextAsync<AgentToolResult>()).IsError);
        var second = Assert.IsType<AgentSubject.Edit>((await run.AllowNextAsync()).Subject).Change;
        Assert.Equal(("one\ntwo\\n", "three"), (second.Before, second.After));
        await run.NextAsync<AgentTurnEnded>();
        Assert.Equal("three", await File.ReadAllTextAsync(Path.Combine(Project, "sub/a.txt")));
        Assert.Equal([false, false, true, true, true], run.Of<AgentToolResult>().Select(r => r.IsError));
        Assert.Equal(["a.txt"], Directory.GetFiles(Path.Combine(Project, "sub")).Select(f => Path.GetFileName(f)));
    }

    [Fact]
    public async Task A_file_or_way_that_changed_while_the_human_looked_is_not_written()
    {
        await using var run = await StartAsync();
        await run.PromptAsync("write: a.txt | mine\nwrite: sub/b.txt | mine");
        var asked = await run.NextAsync<AgentApprovalAsked>();
        await File.WriteAllTextAsync(Path.Combine(Project, "a.txt"), "theirs");
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson));
        Assert.Contains("changed after", (await run.NextAsync<AgentToolResult>()).Output, StringComparison.Ordinal);
        Assert.Equal("theirs", await File.ReadAllTextAsync(Path.Combine(Project, "a.txt")));

        asked = await run.NextAsync<AgentApprovalAsked>();
        var elsewhere = Directory.CreateTempSubdirectory("pocketcoder-test-");
        Directory.CreateSymbolicLink(Path.Combine(Project, "sub"), elsewhere.FullName);
        await run.AnswerAsync(asked.RequestId, new AgentAnswer.Allow(asked.InputJson));
        Assert.True((await run.NextAsync<AgentToolResult>()).IsError);
        Assert.Empty(elsewhere.GetFileSystemInfos());
        elsewhere.Delete();
    }

    [Fact]
    public async Task An_interrupt_ends_a_command_with_its_children_and_withdraws_a_question()
    {
        await using var run = await StartAsync();
        await run.PromptAsync("run: sleep 300 & echo $! > pid.new; mv pid.new pid; wait");
        await run.AllowNextAsync();
        var file = Path.Combine(Project, "pid");
        await Wait.UntilAsync(() => File.Exists(file), "the command to run");
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.True((await run.NextAsync<AgentToolResult>()).Interrupted);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Null(ProcessGroup.Identify(int.Parse(await File.ReadAllTextAsync(file), CultureInfo.InvariantCulture)));

        await run.PromptAsync("ask: which? | a | b");
        var asked = await run.NextAsync<AgentQuestionAsked>();
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(asked.RequestId, (await run.NextAsync<AgentRequestWithdrawn>()).RequestId);
        await run.NextAsync<AgentTurnEnded>();
        Assert.False(await run.AnswerAsync(asked.RequestId, new AgentAnswer.Deny("late")));
    }

    [Fact]
    public async Task Questions_plans_confirmations_todos_and_failures_go_their_ways()
    {
        await using var run = await StartAsync();
        await run.PromptAsync(
            "think: hm\ntodo: a | b\nask: which? | x | y\nplan: 1. do\\n2. rest\nconfirm: really?\nfail: out of luck\nnever said");
        var question = await run.NextAsync<AgentQuestionAsked>();
        Assert.Equal(["x", "y"], question.Questions[0].Options.Select(o => o.Label));
        await Assert.ThrowsAsync<ArgumentException>(() => run.AnswerAsync(question.RequestId, new AgentAnswer.Allow("{}")));
        await run.AnswerAsync(question.RequestId, new AgentAnswer.Reply(new Dictionary<string, string> { ["which?"] = "y" }));
        var plan = await run.NextAsync<AgentPlanProposed>();
        Assert.Equal("1. do\n2. rest", plan.Plan);
        await run.AnswerAsync(plan.RequestId, new AgentAnswer.AcceptPlan());
        Assert.Equal(new AgentSubject.Tool("confirm"), (await run.AllowNextAsync()).Subject);
        var end = await run.NextAsync<AgentTurnEnded>();
        Assert.Equal((TurnOutcome.Failed, "out of luck"), (end.Outcome, end.Error));
        Assert.Contains("You answered: y", run.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("never said", run.Text, StringComparison.Ordinal);
        Assert.All(run.Of<AgentTodos>()[^1].Items, i => Assert.Equal(TodoState.Done, i.State));

        await run.PromptAsync("confirm: go on?\nrun: touch never");
        var confirm = await run.NextAsync<AgentApprovalAsked>();
        await run.AnswerAsync(confirm.RequestId, new AgentAnswer.Deny("no"));
        Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public async Task A_long_answer_can_be_interrupted_and_a_turn_at_a_time_is_enough()
    {
        await using var run = await StartAsync();
        await run.PromptAsync("long: 100000");
        await run.NextAsync<AgentDelta>();
        await Assert.ThrowsAsync<InvalidOperationException>(() => run.PromptAsync("me too"));
        await run.Process.InterruptAsync(CancellationToken.None);
        Assert.Equal(TurnOutcome.Cancelled, (await run.NextAsync<AgentTurnEnded>()).Outcome);
        Assert.Equal(string.Concat(run.Of<AgentDelta>().Select(d => d.Text)), Assert.Single(run.Of<AgentBlock>()).Text);
        await run.TurnAsync("long: 3");
        Assert.EndsWith("1 2 3 ", run.Text, StringComparison.Ordinal);
    }

    /// <summary>
    /// The machine sends the next prompt as soon as it heard the end, whatever of the turn is still under way; here its end itself, which
    /// finds no room until somebody reads.
    /// </summary>
    [Fact]
    public async Task A_prompt_that_comes_while_a_turn_tells_its_end_is_taken()
    {
        await using var process = await new StubDriver(TimeProvider.System).StartAsync(
            new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = Project }, CancellationToken.None);
        var words = string.Join(' ', Enumerable.Range(0, 2 * EventPipe.Capacity));
        await PromptAsync(words);
        await ReadAsync(e => e is AgentReady);
        var all = await ReadAsync(e => e is AgentTurnEnded);

        await PromptAsync(words);
        var left = all - EventPipe.Capacity - 1;
        await ReadAsync(_ => --left == 0);
        await Wait.UntilAsync(() => process.Events.Count == EventPipe.Capacity, "all but the end is said");
        await PromptAsync("next");
        await ReadAsync(e => e is AgentTurnEnded);
        await ReadAsync(e => e is AgentBlock { Text: "next" });
        await ReadAsync(e => e is AgentTurnEnded { Outcome: TurnOutcome.Completed });

        ValueTask PromptAsync(string text) => process.PromptAsync(new AgentPrompt(Guid.CreateVersion7(), text), CancellationToken.None);

        async Task<int> ReadAsync(Func<AgentEvent, bool> isLast)
        {
            using var limit = new CancellationTokenSource(Wait.Limit);
            for (var count = 1; ; count++)
            {
                if (isLast(await process.Events.ReadAsync(limit.Token)))
                {
                    return count;
                }
            }
        }
    }

    [Fact]
    public async Task Disposing_in_the_middle_ends_with_the_end()
    {
        var run = await StartAsync();
        await run.PromptAsync("run: touch never");
        await run.NextAsync<AgentApprovalAsked>();
        Assert.Equal(0, (await run.EndAsync()).ExitCode);
        Assert.Empty(_folder.GetFiles());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => run.PromptAsync("anyone?"));
    }

    [Fact]
    public async Task Resuming_keeps_the_id_and_a_missing_directory_is_a_typed_error()
    {
        await using var run = await StartAsync("earlier");
        Assert.Equal("earlier", (await run.NextAsync<AgentReady>()).NativeId);
        var error = await Assert.ThrowsAsync<AgentException>(() => new StubDriver(TimeProvider.System).StartAsync(
            new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = "/no/such" }, CancellationToken.None));
        Assert.Equal(AgentError.FailedToStart, error.Error);
    }

    private async Task<AgentRun> StartAsync(string? resume = null)
        => new(await new StubDriver(TimeProvider.System).StartAsync(
            new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = Project, ResumeId = resume }, CancellationToken.None));
}
