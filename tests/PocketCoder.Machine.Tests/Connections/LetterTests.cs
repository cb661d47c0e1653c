using System.Net.WebSockets;
using PocketCoder.Channels;
using PocketCoder.Machine.Connections.Letters;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Connections;

/// <summary>What a device left for the machine while that was away, delivered by somebody who does it as they like.</summary>
public sealed class LetterTests
{
    private const string Taken = "letter_taken";
    private const string Refused = "letter_refused";

    [Fact]
    public async Task A_prompt_runs_once_however_often_it_is_delivered_and_sent()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: echo first >> said.txt");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        var asked = new AgentMessageRequest(session, Guid.CreateVersion7(), "run: echo left >> said.txt");
        var letter = Of(phone, asked);

        Assert.Equal(Taken, await DeliverAsync(daemon, phone, letter));
        Assert.Equal(Taken, await DeliverAsync(daemon, phone, letter));
        var approval = await phone.AskedAsync();
        Assert.Equal(["first"], File.ReadAllLines(phone.PathOf("said.txt"))); // decided before done
        await phone.Device.DecideAsync(approval, DecisionVerdict.Allow);
        await phone.DoneAsync();
        Assert.Equal(asked.PromptId, (await phone.PromptAsync(session, asked.Content, asked.PromptId)).TurnId); // the outbox sends it, too
        Assert.Equal(Taken, await DeliverAsync(daemon, phone, letter));
        Assert.Equal(Taken, await DeliverAsync(daemon, phone, Of(phone, asked))); // sealed anew

        await daemon.RestartAsync();

        Assert.Equal(Taken, await DeliverAsync(daemon, phone, letter));
        await using var back = await phone.Device.AgainAsync(daemon.Url);
        Assert.Equal(2, (await back.AskAsync(
            MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
            ProtocolJson.Default.AgentSessionGetResponse)).Turns.Count);
        Assert.Equal(["first", "left"], File.ReadAllLines(phone.PathOf("said.txt")));
    }

    [Fact]
    public async Task A_session_begins_once_and_not_again_after_it_was_deleted()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = Guid.CreateVersion7();
        var letter = TestLetter.Of(
            phone.Device, MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), phone.Project.ProjectId, "stub", "say hello"),
            ProtocolJson.Default.AgentSessionNewRequest, Tomorrow);
        Assert.Equal(Taken, await DeliverAsync(daemon, phone, letter));
        await phone.Device.SubscribeAsync($"session/{session}");
        await phone.DoneAsync();
        await phone.Device.AskAsync(
            MessageTypes.AgentSessionDelete, new AgentSessionDeleteRequest(session), ProtocolJson.Default.AgentSessionDeleteRequest,
            ProtocolJson.Default.AgentSessionDeleteResponse);

        Assert.Equal(Taken, await DeliverAsync(daemon, phone, letter));
        Assert.Empty(await SessionsAsync(phone));
    }

    [Fact]
    public async Task One_that_was_taken_back_is_delivered_in_vain()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var other = await daemon.PhoneAsync("tablet");
        var (json, asked) = (ProtocolJson.Default.AgentSessionNewRequest, New(phone));
        var letter = TestLetter.Of(phone.Device, MessageTypes.AgentSessionNew, asked, json, Tomorrow, "one");
        var same = TestLetter.Of(other.Device, MessageTypes.AgentSessionNew, New(other), json, Tomorrow, "one");
        await WithdrawAsync(phone, "one", "two");
        await WithdrawAsync(phone, "one");
        foreach (var wrong in (string[][])[[], [""], [new string('i', 65)], [.. Enumerable.Range(0, 101).Select(i => $"{i}")]])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => WithdrawAsync(phone, wrong));
            Assert.Equal(ErrorCode.InvalidRequest, refused.Error.Code);
        }

        await daemon.RestartAsync();

        Assert.Equal(Taken, await DeliverAsync(daemon, phone, letter));
        await using var back = await phone.Device.AgainAsync(daemon.Url);
        Assert.Empty((await back.AskAsync(
            MessageTypes.AgentSessionsList, new AgentSessionsListRequest(), ProtocolJson.Default.AgentSessionsListRequest,
            ProtocolJson.Default.AgentSessionsListResponse)).Sessions);
        Assert.Equal(Taken, await DeliverAsync(daemon, phone, same)); // the same name is another device's own
        Assert.Single((await back.AskAsync(
            MessageTypes.AgentSessionsList, new AgentSessionsListRequest(), ProtocolJson.Default.AgentSessionsListRequest,
            ProtocolJson.Default.AgentSessionsListResponse)).Sessions);
    }

    [Fact]
    public async Task One_device_has_so_many_remembered_and_does_not_keep_the_others_out()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var other = await daemon.PhoneAsync("tablet");
        var json = ProtocolJson.Default.AgentSessionNewRequest;
        var known = TestLetter.Of(phone.Device, MessageTypes.AgentSessionNew, New(phone), json, Tomorrow, "0-0");
        foreach (var round in Enumerable.Range(0, LetterLog.MostOfDevice / Limits.LettersAtOnce))
        {
            await WithdrawAsync(phone, [.. Enumerable.Range(0, Limits.LettersAtOnce).Select(i => $"{round}-{i}")]);
        }

        var refused = await Assert.ThrowsAsync<WireErrorException>(() => WithdrawAsync(phone, "one more"));
        Assert.Equal(ErrorCode.Unavailable, refused.Error.Code);
        Assert.Equal(Taken, await DeliverAsync(daemon, phone, known));
        Assert.Equal("letter_later", await DeliverAsync(
            daemon, phone, TestLetter.Of(phone.Device, MessageTypes.AgentSessionNew, New(phone), json, Tomorrow)));
        Assert.Empty(await SessionsAsync(phone)); // nothing begins that could not be remembered
        Assert.Equal(Taken, await DeliverAsync(
            daemon, other, TestLetter.Of(other.Device, MessageTypes.AgentSessionNew, New(other), json, Tomorrow)));
        Assert.Single(await SessionsAsync(other));
    }

    [Fact]
    public async Task What_is_too_late_too_long_or_no_prompt_and_what_its_device_may_not_do_changes_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var viewer = await daemon.PhoneAsync("tablet", Scope.View);
        await using var gone = await daemon.PhoneAsync("old phone");
        using var stranger = ChannelIdentity.Create();
        var asked = New(phone);
        var (json, now) = (ProtocolJson.Default.AgentSessionNewRequest, TimeProvider.System.GetUtcNow());
        var old = TestLetter.Of(gone.Device, MessageTypes.AgentSessionNew, asked, json, Tomorrow);
        await daemon.Daemon.AsOwner().RevokeDeviceAsync(gone.Device.Identity.Id, CancellationToken.None);
        var good = TestLetter.Of(phone.Device, MessageTypes.AgentSessionNew, asked, json, Tomorrow);
        byte[][] letters =
        [
            TestLetter.Of(viewer.Device, MessageTypes.AgentSessionNew, asked, json, Tomorrow),
            TestLetter.Of(phone.Device, MessageTypes.AgentSessionNew, asked, json, now.AddSeconds(-1)),
            TestLetter.Of(phone.Device, MessageTypes.AgentSessionNew, asked, json, now.AddDays(Limits.LetterDays + 1)),
            TestLetter.Of(phone.Device, MessageTypes.AgentSessionNew, asked, json, Tomorrow, id: new string('i', 65)),
            TestLetter.Of(phone.Device, MessageTypes.AgentSessionNew, asked with { Content = "" }, json, Tomorrow),
            TestLetter.Of(
                phone.Device, MessageTypes.AgentPromptResponse,
                new DecisionRequest(Guid.CreateVersion7(), Guid.CreateVersion7(), DecisionVerdict.Allow, DecisionScope.Once, "", ""),
                ProtocolJson.Default.DecisionRequest, Tomorrow),
            TestLetter.Of(
                phone.Device, MessageTypes.TerminalOpen, new TerminalOpenRequest(asked.AgentSessionId, "main"),
                ProtocolJson.Default.TerminalOpenRequest, Tomorrow),
            SealedLetter.Seal(phone.Device.Identity, phone.Device.MachineKey, "no JSON"u8),
            SealedLetter.Seal(phone.Device.Identity, phone.Device.MachineKey, """{"v":1,"type":"agent_session_new","requestId":"1"}"""u8),
            SealedLetter.Seal(phone.Device.Identity, phone.Device.MachineKey, """{"v":2,"type":"agent_session_new","requestId":"1"}"""u8),
        ];
        byte[][] ofNobody =
        [
            old, SealedLetter.Seal(stranger, phone.Device.MachineKey, "{}"u8), SealedLetter.Seal(phone.Device.Identity, stranger.PublicKey, "{}"u8),
            good[..^1], [5],
        ];
        foreach (var (letter, at) in letters.Select((l, i) => (l, i)))
        {
            Assert.Equal((at, Refused), (at, await DeliverAsync(daemon, phone, letter)));
        }

        Assert.Empty(await SessionsAsync(phone));
        Assert.Equal(Taken, await DeliverAsync(daemon, phone, good));
        foreach (var (letter, at) in ofNobody.Select((l, i) => (l, i)))
        {
            Assert.Equal((at, Refused), (at, await DeliverAsync(daemon, phone, letter)));
        }

        await Assert.ThrowsAsync<WebSocketException>(() => DeliverAsync(daemon, phone, good)); // too many failed to prove themselves
        Assert.Single(await SessionsAsync(phone));
    }

    private static DateTimeOffset Tomorrow => TimeProvider.System.GetUtcNow().AddDays(1);

    private static AgentSessionNewRequest New(Phone phone)
        => new(Guid.CreateVersion7(), Guid.CreateVersion7(), phone.Project.ProjectId, "stub", "say hello");

    private static byte[] Of(Phone phone, AgentMessageRequest asked)
        => TestLetter.Of(phone.Device, MessageTypes.AgentMessage, asked, ProtocolJson.Default.AgentMessageRequest, Tomorrow);

    private static Task<LettersWithdrawResponse> WithdrawAsync(Phone phone, params string[] letters) => phone.Device.AskAsync(
        MessageTypes.LettersWithdraw, new LettersWithdrawRequest(letters), ProtocolJson.Default.LettersWithdrawRequest,
        ProtocolJson.Default.LettersWithdrawResponse);

    private static Task<string?> DeliverAsync(TestDaemon daemon, Phone phone, byte[] letter)
        => TestLetter.DeliverAsync(daemon.Url, phone.Device.MachineId, letter);

    private static async Task<IReadOnlyList<SessionInfo>> SessionsAsync(Phone phone) => (await phone.Device.AskAsync(
        MessageTypes.AgentSessionsList, new AgentSessionsListRequest(), ProtocolJson.Default.AgentSessionsListRequest,
        ProtocolJson.Default.AgentSessionsListResponse)).Sessions;
}
