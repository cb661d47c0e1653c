using System.Text.Json.Nodes;
using PocketCoder.Agents;
using PocketCoder.Agents.Claude;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>What the protocol is known to trip drivers up with, each against its recording.</summary>
public sealed class ClaudePitfallTests
{
    public static TheoryData<string> Captures => [.. Capture.Names()];

    [Theory]
    [MemberData(nameof(Captures))]
    public void Every_recording_is_translated_and_every_turn_ends_once(string name)
    {
        var replay = Replay.Run(name);
        var turns = Capture.Read(name).Count(l => l is { Out: false, Data: var d } && d["type"]!.GetValue<string>() == "user");
        Assert.Equal(name.StartsWith("kill9", StringComparison.Ordinal) ? 0 : turns, replay.Of<AgentTurnEnded>().Count);
        Assert.Equal(replay.Of<AgentToolUse>().Select(t => t.ToolUseId).Distinct().Count(), replay.Of<AgentToolUse>().Count);
        Assert.All(replay.Of<AgentToolResult>(), r => Assert.Contains(replay.Of<AgentToolUse>(), t => t.ToolUseId == r.ToolUseId));
        foreach (var block in replay.Of<AgentBlock>())
        {
            var streamed = string.Concat(replay.Of<AgentDelta>().Where(d => d.BlockId == block.BlockId).Select(d => d.Text));
            Assert.True(streamed.Length == 0 || streamed == block.Text || block.Text.StartsWith(streamed, StringComparison.Ordinal),
                block.Text);
        }
    }

    [Theory]
    [InlineData("api-error-401", "Invalid API key · Fix external API key")]
    [InlineData("api-error-529", "API Error: Repeated 529 Overloaded errors.")]
    [InlineData("malformed-empty", "API Error: Failed to parse JSON")]
    public void An_api_error_comes_as_success_and_is_a_failed_turn_told_once(string name, string error)
    {
        var replay = Replay.Run(name);
        var end = replay.Only<AgentTurnEnded>();
        Assert.Equal(TurnOutcome.Failed, end.Outcome);
        Assert.StartsWith(error, end.Error, StringComparison.Ordinal);
        Assert.Empty(replay.Of<AgentBlock>());
    }

    [Fact]
    public void Retries_are_told_with_their_reason_and_delay()
    {
        var retries = Replay.Run("api-error-529-recovers").Of<AgentActivity>().Where(a => a.Kind == ActivityKind.Retrying).ToList();
        Assert.NotEmpty(retries);
        Assert.All(retries, r => Assert.Equal("overloaded 529", r.Detail));
        Assert.All(retries, r => Assert.True(r.Delay > TimeSpan.Zero));
    }

    [Fact]
    public void The_cost_counts_on_and_is_told_by_turn()
    {
        var costs = Replay.Run("two-turns-one-process").Of<AgentTurnEnded>().Select(e => e.Usage!.CostUsd!.Value).ToList();
        var totals = Capture.Read("two-turns-one-process").Where(l => l.Out && l.Data["type"]!.GetValue<string>() == "result")
            .Select(l => l.Data["total_cost_usd"]!.GetValue<decimal>()).ToList();
        Assert.Equal(3, costs.Count);
        Assert.Equal([totals[0], totals[1] - totals[0], totals[2] - totals[1]], costs);
        Assert.True(costs[2] < totals[2]);
    }

    [Fact]
    public void Every_turn_begins_with_an_init_but_only_a_changed_one_is_told()
        => Assert.Single(Replay.Run("two-turns-one-process").Of<AgentReady>());

    [Fact]
    public void Clearing_changes_the_id_of_the_conversation()
    {
        var ids = Replay.Run("slash-commands").Of<AgentReady>().Select(r => r.NativeId).Distinct().ToList();
        var told = Capture.Read("slash-commands").Where(l => l.Out && l.Data["subtype"]?.GetValue<string>() == "init")
            .Select(l => l.Data["session_id"]!.GetValue<string>()).Distinct().ToList();
        Assert.Equal(told, ids);
    }

    [Fact]
    public void Slash_commands_answer_without_a_model_and_the_filler_is_left_out()
    {
        var replay = Replay.Run("slash-commands");
        Assert.Contains("Unknown command: /nonexistent", replay.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("(no content)", replay.Text, StringComparison.Ordinal);
        Assert.Contains(replay.Of<AgentActivity>(), a => a.Kind == ActivityKind.Compacting);
    }

    [Fact]
    public void An_allow_gives_back_the_input_verbatim_because_without_it_the_tool_is_denied()
    {
        var replay = Replay.Run("bash-approved");
        var asked = replay.Only<AgentApprovalAsked>();
        Assert.Contains(replay.Answers, a => a.Contains($"\"updatedInput\":{asked.InputJson}", StringComparison.Ordinal));
        Assert.Equal("approved-42", replay.Only<AgentToolResult>().Output);
        Assert.Equal(0, replay.Only<AgentToolResult>().ExitCode);
        Assert.Null(replay.Violation);
    }

    [Fact]
    public void A_denial_that_interrupts_ends_the_turn_as_cancelled_not_failed()
        => Assert.Equal(TurnOutcome.Cancelled, Replay.Run("bash-denied-interrupt").Only<AgentTurnEnded>().Outcome);

    [Fact]
    public void A_plain_denial_lets_the_turn_go_on()
    {
        var replay = Replay.Run("bash-denied");
        Assert.True(replay.Only<AgentToolResult>().IsError);
        Assert.Equal(TurnOutcome.Completed, replay.Only<AgentTurnEnded>().Outcome);
    }

    [Fact]
    public void An_interrupt_while_asking_withdraws_the_request_and_a_late_answer_goes_nowhere()
    {
        var replay = Replay.Run("cancel-during-permission");
        var asked = replay.Only<AgentApprovalAsked>();
        Assert.Equal(asked.RequestId, replay.Only<AgentRequestWithdrawn>().RequestId);
        Assert.Null(replay.Translator.Answer(asked.RequestId, new AgentAnswer.Allow(asked.InputJson)));
        Assert.Equal(TurnOutcome.Cancelled, replay.Only<AgentTurnEnded>().Outcome);
    }

    [Fact]
    public void A_question_asked_after_the_interrupt_is_refused_at_once()
    {
        var lines = Capture.Read("bash-approved");
        var translator = Replay.NewTranslator();
        translator.BeginTurn();
        translator.BeginInterrupt();
        foreach (var line in lines.Where(l => l.Out).Select(l => l.Data).TakeWhile(d => d["type"]!.GetValue<string>() != "user"))
        {
            foreach (var next in new[] { line }.Concat(Capture.HooksFor(line)))
            {
                var output = translator.Translate(Capture.Bytes(next));
                Assert.DoesNotContain(output.Events, e => e is AgentApprovalAsked);
                if (line["request"]?["subtype"]?.GetValue<string>() == "can_use_tool")
                {
                    Assert.Equal("deny", JsonNode.Parse(
                        Assert.Single(output.Lines))!["response"]!["response"]!["behavior"]!.GetValue<string>());
                }
            }
        }
    }

    [Fact]
    public void An_interrupted_stream_keeps_what_was_said_and_the_process_goes_on()
    {
        var replay = Replay.Run("cancel-mid-stream");
        Assert.Equal([TurnOutcome.Cancelled, TurnOutcome.Completed], replay.Of<AgentTurnEnded>().Select(e => e.Outcome));
        Assert.StartsWith("w0 w1 w2 ", replay.Text, StringComparison.Ordinal);
        Assert.EndsWith("still alive", replay.Text, StringComparison.Ordinal);
        Assert.Empty(replay.Of<AgentBlockDropped>());
    }

    [Fact]
    public void An_interrupted_command_is_marked_as_cut_off()
        => Assert.True(Replay.Run("cancel-running-bash").Only<AgentToolResult>().Interrupted);

    [Fact]
    public void Deltas_of_a_broken_stream_are_taken_away()
    {
        var replay = Replay.Run("malformed-cut");
        Assert.Equal(replay.Of<AgentDelta>().Select(d => d.BlockId).Distinct(), replay.Of<AgentBlockDropped>().Select(d => d.BlockId));
        Assert.Equal(TurnOutcome.Failed, replay.Only<AgentTurnEnded>().Outcome);
    }

    [Fact]
    public void Tool_input_that_is_no_json_is_shown_and_fails_by_itself()
    {
        var replay = Replay.Run("malformed-toolargs");
        Assert.Contains("__unparsedToolInput", replay.Only<AgentToolUse>().InputJson, StringComparison.Ordinal);
        Assert.True(replay.Only<AgentToolResult>().IsError);
        Assert.Null(replay.Violation);
    }

    [Theory]
    [InlineData("plan-mode")]
    [InlineData("set-mode-model")]
    public void An_edit_that_ran_unasked_in_accept_edits_mode_is_a_violation(string name)
    {
        var replay = Replay.Run(name);
        Assert.Contains("Write without the decision", replay.Violation, StringComparison.Ordinal);
        Assert.Contains(replay.Of<AgentModeChanged>(), m => m.Mode == "acceptEdits");
        // our hook would have had it asked
        Assert.Contains(replay.Written,
            w => w["response"]!["response"]?["hookSpecificOutput"]?["permissionDecision"]?.GetValue<string>() == "ask");
    }

    [Fact]
    public void A_plan_is_proposed_and_its_acceptance_sets_the_mode()
    {
        var replay = Replay.Run("plan-mode");
        Assert.Equal("1. do x. 2. do y.", replay.Only<AgentPlanProposed>().Plan);
        Assert.Equal(TurnOutcome.Completed, Replay.Run("plan-rejected").Only<AgentTurnEnded>().Outcome);
    }

    [Fact]
    public void A_question_comes_with_its_options_and_is_answered_beside_its_input()
    {
        var question = Assert.Single(Replay.Run("ask-user-question").Only<AgentQuestionAsked>().Questions);
        Assert.Equal(("Which colour?", "Choice", false), (question.Text, question.Header, question.MultiSelect));
        Assert.Equal([new AgentOption("red", "Choose red"), new AgentOption("blue", "Choose blue")], question.Options);
    }

    [Fact]
    public void A_new_file_is_shown_with_its_whole_text()
    {
        var change = Assert.IsType<AgentSubject.Edit>(Replay.Run("file-create-edit").Of<AgentApprovalAsked>()[0].Subject).Change;
        Assert.Equal(new FileChange($"{Replay.Project}/note.txt", null, "hello world\nsecond line\n"), change);
    }

    [Fact]
    public void Thinking_is_a_block_of_its_own_and_signatures_are_not_text()
    {
        var replay = Replay.Run("thinking");
        Assert.Equal([(BlockKind.Thinking, "Let me think. deep stuff ...ok."), (BlockKind.Text, "Thought about: deep stuff")],
            replay.Of<AgentBlock>().Select(b => (b.Kind, b.Text)));
    }

    [Fact]
    public void A_created_task_is_a_todo()
        => Assert.Equal(new AgentTodo("first thing", TodoState.Pending), Assert.Single(Replay.Run("todo").Only<AgentTodos>().Items));

    [Fact]
    public void The_prompt_of_a_subagent_is_not_taken_for_its_words()
    {
        var replay = Replay.Run("subagent");
        Assert.DoesNotContain("SAY:", replay.Text, StringComparison.Ordinal);
        Assert.Contains("hello from subagent", replay.Only<AgentToolResult>().Output, StringComparison.Ordinal);
        Assert.Equal(ToolKind.Agent, replay.Only<AgentToolUse>().Kind);
    }

    [Fact]
    public void A_killed_program_leaves_its_open_things_to_be_closed_by_us()
    {
        var replay = Replay.Run("kill9-during-bash");
        Assert.True(replay.Translator.TurnRuns);
        Assert.Empty(replay.Translator.CloseOpen());
        Assert.Empty(replay.Of<AgentToolResult>());
    }
}
