using Microsoft.AspNetCore.Http;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Push;

namespace PocketCoder.Machine.Tests.Notifications;

/// <summary>A whole daemon and a push service that opens what it gets as the device would.</summary>
public sealed class NotificationTests
{
    [Fact]
    public async Task What_waits_is_told_sealed_and_without_details_and_taken_back_when_somebody_else_decides()
    {
        await using var story = await PushStory.BeginAsync();
        await using var other = await story.Daemon.PhoneAsync("laptop");
        var session = await other.StartAsync("run: echo canary-text > proof.txt");
        var asked = await other.AskedAsync();
        var notice = await story.NextAsync(PushNoticeKind.Permission);
        Assert.Equal((asked.ApprovalId, asked.Digest, session), (notice.ApprovalId, notice.Digest, notice.AgentSessionId));
        Assert.Equal((null, false, true, 1), (notice.What, notice.Whole, notice.Denies, notice.Waiting));
        Assert.NotNull(notice.Session);
        Assert.All(story.Service.Received, r => Assert.DoesNotContain("canary-text", r.Text[r.Text.IndexOf("\"project\"", StringComparison.Ordinal)..],
            StringComparison.Ordinal));
        Assert.All(story.Service.Received, r => Assert.DoesNotContain("canary", System.Text.Encoding.Latin1.GetString(r.Body), StringComparison.Ordinal));

        await other.Device.DecideAsync(asked, DecisionVerdict.Deny);
        var settled = await story.NextAsync(PushNoticeKind.Settled);
        Assert.Equal((notice.Tag, "denied"), (settled.Tag, settled.Outcome));
        var topics = story.Service.Received.Where(r => r.Text.Contains(notice.Tag, StringComparison.Ordinal)).Select(r => r.Headers["Topic"]);
        Assert.Single(topics.Distinct(StringComparer.Ordinal)); // one that is not delivered yet is replaced
    }

    [Fact]
    public async Task With_details_a_plain_command_is_whole_and_what_destroys_or_is_long_is_not()
    {
        await using var story = await PushStory.BeginAsync(details: true);
        await using var other = await story.Daemon.PhoneAsync("laptop");
        foreach (var (command, whole) in new[] { ("touch new.txt", true), ("rm -rf build", false), ($"touch {new string('a', 200)}", false) })
        {
            await other.StartAsync($"run: {command}");
            var asked = await other.AskedAsync();
            var notice = await story.NextAsync(PushNoticeKind.Permission);
            Assert.Equal(whole, notice.Whole);
            Assert.Equal(whole, notice.What == command && notice.Folder == other.Project.Path);
            await other.Device.DecideAsync(asked, DecisionVerdict.Deny);
            await story.NextAsync(PushNoticeKind.Settled);
        }
    }

    [Fact]
    public async Task A_device_that_may_only_look_is_told_and_offered_nothing()
    {
        await using var story = await PushStory.BeginAsync(details: true, scopes: [Scope.View]);
        await using var other = await story.Daemon.PhoneAsync("laptop");
        await other.StartAsync("run: touch new.txt");
        var asked = await other.AskedAsync();
        var notice = await story.NextAsync(PushNoticeKind.Permission);
        Assert.Equal((false, false), (notice.Whole, notice.Denies));
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => story.Phone.DecideAsync(asked, DecisionVerdict.Allow));
        Assert.Equal(ErrorCode.Unauthorized, refused.Error.Code);
    }

    [Fact]
    public async Task A_decision_from_an_old_notice_does_nothing_after_the_settlement()
    {
        await using var story = await PushStory.BeginAsync();
        await using var other = await story.Daemon.PhoneAsync("laptop");
        await other.StartAsync("run: touch new.txt");
        var asked = await other.AskedAsync();
        await story.NextAsync(PushNoticeKind.Permission);
        await other.Device.DecideAsync(asked, DecisionVerdict.Deny);
        var late = await Assert.ThrowsAsync<WireErrorException>(() => story.Phone.DecideAsync(asked, DecisionVerdict.Allow));
        Assert.Equal(ErrorCode.AlreadyDecided, late.Error.Code);
        Assert.False(File.Exists(other.PathOf("new.txt")));
    }

    [Fact]
    public async Task A_device_that_is_looked_at_hears_nothing_until_it_is_looked_away_from()
    {
        await using var story = await PushStory.BeginAsync();
        await using var other = await story.Daemon.PhoneAsync("laptop");
        await story.ShowAsync(true);
        await other.StartAsync("run: touch new.txt");
        await other.AskedAsync();

        // The one thing sent meanwhile is the test: the look that passed the approval over came before it or will pass it over too.
        await story.TestAsync();
        Assert.Equal(1, story.Service.Requests);
        await story.ShowAsync(false);
        await story.NextAsync(PushNoticeKind.Permission);
    }

    [Fact]
    public async Task A_connection_that_ends_is_looked_at_no_more()
    {
        await using var story = await PushStory.BeginAsync();
        await using var other = await story.Daemon.PhoneAsync("laptop");
        await using (var second = await story.Phone.AgainAsync(story.Daemon.Url))
        {
            await second.AskAsync(
                MessageTypes.Presence, new PresenceRequest(true), ProtocolJson.Default.PresenceRequest,
                ProtocolJson.Default.PresenceResponse);
        }

        await other.StartAsync("run: touch new.txt");
        await story.NextAsync(PushNoticeKind.Permission);
    }

    [Fact]
    public async Task The_end_of_work_is_told_and_one_that_a_person_stopped_or_that_was_short_is_not()
    {
        await using var story = await PushStory.BeginAsync(after: 0);
        await using var other = await story.Daemon.PhoneAsync("laptop");
        var session = await other.StartAsync("hello");
        await other.DoneAsync();
        Assert.Equal(session, (await story.NextAsync(PushNoticeKind.TaskComplete)).AgentSessionId);

        await other.StartAsync("run: touch new.txt"); // waits
        await story.NextAsync(PushNoticeKind.Permission);
        var stopped = (await other.AskedAsync()).AgentSessionId!.Value;
        await other.CancelAsync(stopped);
        await other.DoneAsync();
        Assert.Equal("over", (await story.NextAsync(PushNoticeKind.Settled)).Outcome);
        await story.SetAsync(s => s with { AfterSeconds = PushLimits.AfterSeconds });
        await other.PromptAsync(session, "hello");
        await other.DoneAsync();
        await story.SetAsync(s => s with { AfterSeconds = 0 });
        var last = await other.StartAsync("fail: on purpose");
        Assert.Equal(last, (await story.NextAsync(PushNoticeKind.TaskError)).AgentSessionId);
        Assert.Equal(1, story.Notices.Count(n => n.Kind == PushNoticeKind.TaskComplete));
    }

    [Fact]
    public async Task Kinds_that_are_not_wanted_and_a_device_that_turned_them_off_get_nothing_and_nothing_is_kept()
    {
        await using var story = await PushStory.BeginAsync();
        await using var other = await story.Daemon.PhoneAsync("laptop");
        await story.SetAsync(s => s with { Kinds = [PushKind.Question] });
        await other.StartAsync("run: touch new.txt");
        await other.AskedAsync();
        await other.StartAsync("ask: Which one? | a | b");
        await story.NextAsync(PushNoticeKind.Question);
        Assert.Single(story.Notices);

        var state = (await story.Phone.AskAsync(MessageTypes.PushUnsubscribe, new PushUnsubscribeRequest(),
            ProtocolJson.Default.PushUnsubscribeRequest, ProtocolJson.Default.PushUnsubscribeResponse)).Push;
        Assert.Equal((null, 6), (state.Origin, state.Settings.Kinds.Count));
        Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<WireErrorException>(() => story.SetAsync(s => s))).Error.Code);
        Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<WireErrorException>(story.TestAsync)).Error.Code);
        await story.Daemon.RestartAsync();
        await using var again = await story.Phone.AgainAsync(story.Daemon.Url);
        Assert.Null((await PushStory.StateAsync(again)).Origin);
    }

    [Fact]
    public async Task A_subscription_outlives_a_restart_and_ends_with_its_device()
    {
        await using var story = await PushStory.BeginAsync();
        await story.Daemon.RestartAsync();
        await using (var again = await story.Phone.AgainAsync(story.Daemon.Url))
        {
            Assert.Equal(story.Service.Origin, (await PushStory.StateAsync(again)).Origin);
        }

        await story.Daemon.Daemon.AsOwner().RevokeDeviceAsync(story.Phone.Identity.Id, CancellationToken.None);
        await story.Daemon.RestartAsync();
        await using var other = await story.Daemon.PhoneAsync("laptop");
        using var receiver = story.Service.Subscribe();
        await PushStory.SubscribeAsync(other.Device, receiver);
        await other.StartAsync("run: touch new.txt");
        await story.NextAsync(PushNoticeKind.Permission);
        Assert.Equal(1, story.Service.Requests); // to the laptop alone
    }

    [Fact]
    public async Task A_device_reaches_its_own_subscription_and_the_ledger_has_the_origin_alone()
    {
        await using var story = await PushStory.BeginAsync();
        await using var other = await story.Daemon.PhoneAsync("laptop");
        Assert.Null((await PushStory.StateAsync(other.Device)).Origin);
        await other.Device.AskAsync(MessageTypes.PushUnsubscribe, new PushUnsubscribeRequest(),
            ProtocolJson.Default.PushUnsubscribeRequest, ProtocolJson.Default.PushUnsubscribeResponse);
        Assert.Equal(story.Service.Origin, (await PushStory.StateAsync(story.Phone)).Origin);

        var rows = await other.Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 200),
            ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);
        var own = Assert.Single(rows.Rows, r => r.Body.Contains("\"notifications\"", StringComparison.Ordinal)).Body;
        Assert.Contains(story.Service.Origin, own, StringComparison.Ordinal);
        Assert.DoesNotContain("/push/", own, StringComparison.Ordinal);
        Assert.DoesNotContain(story.Receiver.AuthText, own, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://127.0.0.1:1/x")]
    [InlineData("http://push.example.net/x")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://localhost:22/")]
    public async Task A_place_that_nobody_allowed_is_refused_and_the_subscription_stays(string endpoint)
    {
        await using var story = await PushStory.BeginAsync();
        using var receiver = new PushReceiver(endpoint);
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => PushStory.SubscribeAsync(story.Phone, receiver));
        Assert.Equal(ErrorCode.InvalidRequest, refused.Error.Code);
        Assert.Equal(story.Service.Origin, (await PushStory.StateAsync(story.Phone)).Origin);
    }

    [Fact]
    public async Task A_subscription_that_the_push_service_ended_is_forgotten_and_others_are_told_honestly()
    {
        await using var story = await PushStory.BeginAsync();
        story.Service.Answer = context =>
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        };
        var report = (await story.TestAsync()).Report;
        Assert.False(report.Accepted);
        Assert.Contains("403", report.Words, StringComparison.Ordinal);
        Assert.Equal(report, (await PushStory.StateAsync(story.Phone)).Last);
        Assert.Equal(ErrorCode.RateLimited, (await Assert.ThrowsAsync<WireErrorException>(story.TestAsync)).Error.Code);

        story.Service.Answer = context =>
        {
            context.Response.StatusCode = StatusCodes.Status410Gone;
            return Task.CompletedTask;
        };
        await using var other = await story.Daemon.PhoneAsync("laptop");
        await other.StartAsync("run: touch new.txt");
        await Wait.UntilAsync(async () => (await PushStory.StateAsync(story.Phone)).Origin is null, "the subscription is gone");
    }

    [Fact]
    public async Task Settings_of_another_form_are_refused()
    {
        await using var story = await PushStory.BeginAsync();
        Func<PushSettings, PushSettings>[] wrong =
        [
            s => s with { Kinds = [PushKind.Plan, PushKind.Plan] }, s => s with { AfterSeconds = -1 },
            s => s with { AfterSeconds = PushLimits.AfterSeconds + 1 },
            s => s with { Quiet = new("25:00", "07:00", "UTC") }, s => s with { Quiet = new("7:00", "08:00", "UTC") },
            s => s with { Quiet = new("07:00", "07:00", "UTC") }, s => s with { Quiet = new("22:00", "07:00", "../../etc/passwd") },
            s => s with { Quiet = new("22:00", "07:00", "/etc/passwd") }, s => s with { Quiet = new("22:00", "07:00", "Nowhere/At_All") },
        ];
        foreach (var one in wrong)
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<WireErrorException>(() => story.SetAsync(one))).Error.Code);
        }

        Assert.Null((await PushStory.StateAsync(story.Phone)).Settings.Quiet);
    }
}
