using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Sessions;

public sealed class RestartTests
{
    [Fact]
    public async Task A_restart_interrupts_the_running_turn_expires_what_waited_and_keeps_the_queue()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: touch never.txt");
        var asked = await phone.AskedAsync();
        await phone.PromptAsync(session, "queued before the restart");

        await daemon.RestartAsync();

        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await phone.DisposeAsync();
        await again.SubscribeAsync($"session/{session}");
        var closed = await again.NextEventAsync<ApprovalEvent>(
            e => e.Approval.ApprovalId == asked.ApprovalId && e.Approval.State != ApprovalState.Pending);
        Assert.Contains(closed.Approval.State, new[] { ApprovalState.Expired, ApprovalState.Withdrawn });
        Assert.Equal(TurnState.Interrupted, (await again.NextEventAsync<DoneEvent>()).Outcome);
        var detail = await again.AskAsync(MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session),
            ProtocolJson.Default.AgentSessionGetRequest, ProtocolJson.Default.AgentSessionGetResponse);
        Assert.Equal(SessionState.Failed, detail.Session.State);
        Assert.True(detail.Session.Held);
        Assert.Equal(1, detail.Session.Queued);

        await again.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "go on"),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        Assert.Equal(TurnState.Completed, (await again.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(TurnState.Completed, (await again.NextEventAsync<DoneEvent>()).Outcome);
        Assert.True((await again.AskAsync(MessageTypes.LedgerVerify, new LedgerVerifyRequest(), ProtocolJson.Default.LedgerVerifyRequest,
            ProtocolJson.Default.LedgerVerifyResponse)).Intact);
    }

    [Fact]
    public async Task An_idle_queue_goes_on_by_itself_after_a_restart_and_devices_stay_paired()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        await phone.DoneAsync();
        var head = phone.Device.Hello.Ledger;

        await daemon.RestartAsync();

        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await phone.DisposeAsync();
        Assert.Equal(head.Epoch, again.Hello.Ledger.Epoch);
        Assert.True(again.Hello.Ledger.Seq > head.Seq);
        var remembered = await again.AskAsync(MessageTypes.LedgerHead, new LedgerHeadRequest(head.Seq),
            ProtocolJson.Default.LedgerHeadRequest, ProtocolJson.Default.LedgerHeadResponse);
        Assert.Equal(head.Hash, remembered.HashAt);
        var detail = await again.AskAsync(MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session),
            ProtocolJson.Default.AgentSessionGetRequest, ProtocolJson.Default.AgentSessionGetResponse);
        Assert.Equal(SessionState.Idle, detail.Session.State);
    }
}
