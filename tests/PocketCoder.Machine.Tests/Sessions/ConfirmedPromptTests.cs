using System.Collections.Concurrent;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Tests.Attachments;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions;

/// <summary>Prompts that wait for a yes before any agent sees them.</summary>
public sealed class ConfirmedPromptTests
{
    [Fact]
    public async Task The_agent_is_not_even_started_before_the_yes_and_gets_what_follows_the_mark()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var heard = new ConcurrentQueue<string>();
        phone.Device.Heard = e => heard.Enqueue(e.Payload?.GetRawText() ?? "");
        var session = await phone.StartAsync("Confirm: hello\nrun: echo done > here");
        var asked = await phone.AskedAsync();
        Assert.Equal((ApprovalKind.Prompt, "hello\nrun: echo done > here"), (asked.Kind, Assert.IsType<PromptSubject>(asked.Subject).Text));
        Assert.Null(asked.Reach);
        var before = await phone.GetAsync(session);
        Assert.Equal((SessionState.NeedsYou, TurnState.Waiting), (before.Session.State, before.Turns[0].State));
        Assert.DoesNotContain(heard, e => e.Contains("\"kind\":\"init\"", StringComparison.Ordinal));

        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        var command = await phone.AskedAsync();
        Assert.Equal(ApprovalKind.Command, command.Kind);
        await phone.Device.DecideAsync(command, DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.True(File.Exists(phone.PathOf("here")));
        Assert.Contains(heard, e => e.Contains("\"kind\":\"init\"", StringComparison.Ordinal));
        // the person's words stay as they are
        Assert.Equal("Confirm: hello\nrun: echo done > here", (await phone.GetAsync(session)).Turns[0].Content);
        Assert.Equal(["approval_requested", "approval_decided"], await phone.LedgerAsync(asked.ApprovalId));
    }

    [Fact]
    public async Task A_no_ends_the_turn_with_the_reason_and_an_allowance_for_more_than_once_is_refused()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: run: touch never");
        var asked = await phone.AskedAsync();
        var wide = await Assert.ThrowsAsync<WireErrorException>(
            () => phone.Device.DecideAsync(asked, DecisionVerdict.Allow, DecisionScope.Session));
        Assert.Equal(ErrorCode.InvalidRequest, wide.Error.Code);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny, reason: "not now");
        await phone.DoneAsync();
        var turn = Assert.Single((await phone.GetAsync(session)).Turns);
        Assert.Equal((TurnState.Cancelled, "This prompt was not sent to the agent: you denied it: not now."), (turn.State, turn.Error));

        Assert.False(File.Exists(phone.PathOf("never")));
        Assert.Equal(["approval_requested", "approval_decided"], await phone.LedgerAsync(asked.ApprovalId));
    }

    [Fact]
    public async Task A_no_lets_what_waits_behind_it_go_on()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("confirm: not this");
        var asked = await phone.AskedAsync();
        await phone.PromptAsync(session, "but this");
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();
        await phone.DoneAsync();
        var detail = await phone.GetAsync(session);
        Assert.Equal([TurnState.Cancelled, TurnState.Completed], detail.Turns.Select(t => t.State));
        Assert.False(detail.Session.Held);
    }

    [Fact]
    public async Task Files_that_go_with_it_are_shown_and_are_a_part_of_what_is_decided_on()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        var digests = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in (string[])["a.txt", "b.txt"])
        {
            var file = await phone.Device.UploadAsync(name, [1, 2, 3]);
            await phone.Device.PromptAsync(session, "confirm: look", file.AttachmentId);
            var asked = await phone.AskedAsync();
            Assert.Equal([file], Assert.IsType<PromptSubject>(asked.Subject).Attachments!);
            Assert.True(digests.Add(asked.Digest));
            await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
            await phone.DoneAsync();
        }
    }

    [Fact]
    public async Task A_stop_and_a_restart_end_the_waiting_and_the_session_goes_on()
    {
        await using var daemon = await TestDaemon.StartAsync();
        Guid session;
        await using (var phone = await daemon.PhoneAsync())
        {
            session = await phone.StartAsync("confirm: first");
            await phone.AskedAsync();
            await phone.CancelAsync(session);
            await phone.DoneAsync();
            Assert.Equal(TurnState.Cancelled, Assert.Single((await phone.GetAsync(session)).Turns).State);
            await phone.PromptAsync(session, "hello");
            await phone.DoneAsync();
            await phone.PromptAsync(session, "confirm: second"); // now with an agent that runs already
            await phone.AskedAsync();
        }

        await daemon.RestartAsync();
        await using var again = await daemon.PhoneAsync();
        Assert.Equal([TurnState.Cancelled, TurnState.Completed, TurnState.Interrupted],
            (await again.GetAsync(session)).Turns.Select(t => t.State));
        await again.Device.SubscribeAsync($"session/{session}");
        await again.PromptAsync(session, "confirm: third");
        var asked = await again.Device.NextEventAsync<ApprovalEvent>(
            e => e.Approval is { State: ApprovalState.Pending, Subject: PromptSubject { Text: "third" } });
        await again.Device.DecideAsync(asked.Approval, DecisionVerdict.Allow);
        await again.Device.NextEventAsync<DoneEvent>(e => e.TurnId == asked.Approval.TurnId);
    }

    [Theory]
    [InlineData("confirm: x", "x")]
    [InlineData("  CONFIRM:\n x ", "x ")]
    [InlineData("confirm:", null)]
    [InlineData("confirm:   ", null)]
    [InlineData("please confirm: x", null)]
    [InlineData("confirmation: x", null)]
    public void Only_the_mark_at_the_beginning_with_something_behind_it_counts(string content, string? text)
    {
        Assert.Equal(text is not null, ConfirmedPrompt.IsWanted(content));
        Assert.Equal(text ?? content, ConfirmedPrompt.TextOf(content));
    }
}
