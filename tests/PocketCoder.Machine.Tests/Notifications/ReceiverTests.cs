using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Notifications;
using PocketCoder.Protocol;
using PocketCoder.Push;
using PocketCoder.Testing;
using PocketCoder.Testing.Push;

namespace PocketCoder.Machine.Tests.Notifications;

/// <summary>A whole daemon that tells the owner's own receivers, which are a real server.</summary>
public sealed class ReceiverTests
{
    [Fact]
    public async Task An_ntfy_topic_gets_words_and_a_webhook_the_notice_and_its_end()
    {
        await using var story = await PushStory.BeginAsync();
        using var owner = Owner(story.Daemon);
        story.Service.Listen("/");
        await owner.SetReceiverAsync(
            new NotifySetRequest("phone", ReceiverKind.Ntfy, story.Service.Origin + "/my-topic", "tk_1", Details: true), default);
        var set = await owner.SetReceiverAsync(new NotifySetRequest("hook", ReceiverKind.Webhook, story.Service.Listen("/hook")), default);
        Assert.StartsWith("whsec_", set.Key, StringComparison.Ordinal);

        await using var other = await story.Daemon.PhoneAsync("laptop");
        await other.StartAsync("run: touch new.txt");
        var asked = await other.AskedAsync();
        var words = await NextAsync(story, "/", "title", "Approval needed");
        Assert.StartsWith("touch new.txt\n", words.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("my-topic", words.GetProperty("topic").GetString());
        Assert.False(words.TryGetProperty("click", out _)); // no address that a phone could reach
        var notice = await NextAsync(story, "/hook", "kind", "permission");
        Assert.Equal(asked.ApprovalId.ToString(), notice.GetProperty("approvalId").GetString());
        Assert.False(notice.TryGetProperty("what", out var what) && what.ValueKind != JsonValueKind.Null); // no details were asked for
        Assert.False(notice.GetProperty("whole").GetBoolean());
        Assert.False(notice.GetProperty("denies").GetBoolean()); // it may not decide

        await other.Device.DecideAsync(asked, DecisionVerdict.Deny);
        Assert.Equal("denied", (await NextAsync(story, "/hook", "kind", "settled")).GetProperty("outcome").GetString());
        Assert.DoesNotContain(story.Service.Received, r => r.Path == "/" && r.Text.Contains("Denied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_is_told_while_any_device_is_looked_at()
    {
        await using var story = await PushStory.BeginAsync();
        using var owner = Owner(story.Daemon);
        await owner.SetReceiverAsync(new NotifySetRequest("hook", ReceiverKind.Webhook, story.Service.Listen("/hook")), default);
        await story.ShowAsync(true);
        await using var other = await story.Daemon.PhoneAsync("laptop");
        await other.StartAsync("run: touch new.txt");
        await other.AskedAsync();
        await story.ShowAsync(false);
        await NextAsync(story, "/hook", "kind", "permission");
        Assert.Single(story.Service.Received, r => r.Path == "/hook");
    }

    [Fact]
    public async Task A_receiver_is_told_of_its_kinds_only_and_of_nothing_in_its_quiet_hours()
    {
        await using var story = await PushStory.BeginAsync();
        using var owner = Owner(story.Daemon);
        var now = TimeOnly.FromDateTime(story.Daemon.Options.TimeProvider.GetUtcNow().DateTime);
        string At(int hours) => now.AddHours(hours).ToString("HH:mm", System.Globalization.CultureInfo.InvariantCulture);
        await owner.SetReceiverAsync(
            new NotifySetRequest("asks", ReceiverKind.Webhook, story.Service.Listen("/asks"), Kinds: [PushKind.Question]), default);
        await owner.SetReceiverAsync(
            new NotifySetRequest("asleep", ReceiverKind.Webhook, story.Service.Listen("/asleep"), Quiet: new QuietHours(At(-2), At(2), "UTC")),
            default);
        await owner.SetReceiverAsync(
            new NotifySetRequest("awake", ReceiverKind.Webhook, story.Service.Listen("/awake"), Quiet: new QuietHours(At(2), At(4), "UTC")),
            default);

        await using var other = await story.Daemon.PhoneAsync("laptop");
        await other.StartAsync("run: touch new.txt\nask: which one? | a | b");
        var asked = await other.AskedAsync();
        await NextAsync(story, "/awake", "kind", "permission"); // only of what still waits is anybody told
        await other.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await other.AskedAsync();
        await NextAsync(story, "/awake", "kind", "question");
        await NextAsync(story, "/asks", "kind", "question");
        Assert.Single(story.Service.Received, r => r.Path == "/asks");
        Assert.DoesNotContain(story.Service.Received, r => r.Path == "/asleep");
        var listed = await owner.ListReceiversAsync(default);
        Assert.Equal([PushKind.Question], listed.Single(r => r.Name == "asks").Kinds);
        Assert.Equal("UTC", listed.Single(r => r.Name == "asleep").Quiet!.TimeZone);
    }

    [Fact]
    public async Task A_receiver_holds_over_a_restart_until_it_is_removed_and_the_ledger_has_no_secret_of_it()
    {
        await using var service = await PushService.StartAsync();
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with
        {
            Push = new PushWays { Certificate = service.Certificate, Limit = Wait.Limit },
        });
        string? key;
        using (var first = Owner(daemon))
        {
            key = (await first.SetReceiverAsync(
                new NotifySetRequest("hook", ReceiverKind.Webhook, service.Listen("/hook-path-of-mine"), Details: true, Digest: true),
                default)).Key;
        }

        await daemon.RestartAsync();
        using var owner = Owner(daemon);
        var listed = Assert.Single(await owner.ListReceiversAsync(default));
        Assert.Equal(
            new NotifyReceiver("hook", ReceiverKind.Webhook, service.Origin, true, true, null, NotificationSettings.Usual.Kinds, null, 60),
            listed with { Kinds = NotificationSettings.Usual.Kinds });
        Assert.Equal(NotificationSettings.Usual.Kinds, listed.Kinds);
        var report = await owner.TestReceiverAsync("hook", default);
        Assert.True(report.Accepted, report.Words);
        Assert.Equal(report, Assert.Single(await owner.ListReceiversAsync(default)).Last);
        Assert.Single(service.Received);

        await owner.RemoveReceiverAsync("hook", default);
        Assert.Empty(await owner.ListReceiversAsync(default));
        Assert.False(File.Exists(daemon.Options.Home.Notify));
        var none = await Assert.ThrowsAsync<ControlException>(() => owner.RemoveReceiverAsync("hook", default));
        Assert.Equal(ErrorCode.Conflict, none.Code);
        Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<ControlException>(() => owner.TestReceiverAsync("hook", default))).Code);

        var rows = (await owner.ListLedgerAsync(new LedgerListRequest(Limit: 200), default)).Rows
            .Where(r => r.Body.Contains("\"what\":\"notify\"", StringComparison.Ordinal)).Select(r => r.Body).ToList();
        Assert.Equal(2, rows.Count);
        Assert.All(rows, r => Assert.Contains($"webhook {service.Origin} with details", r, StringComparison.Ordinal));
        Assert.All(rows, r => Assert.DoesNotContain("hook-path-of-mine", r, StringComparison.Ordinal));
        Assert.DoesNotContain(daemon.Log.Lines, l => l.Contains("hook-path-of-mine", StringComparison.Ordinal)
            || l.Contains(key!["whsec_".Length..], StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_can_not_be_set_leaves_things_as_they_are()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using var owner = Owner(daemon);
        foreach (var (name, kind, url, token) in new[]
        {
            ("", ReceiverKind.Webhook, "https://h.example", null),
            ("a b", ReceiverKind.Webhook, "https://h.example", null),
            (new string('a', 33), ReceiverKind.Webhook, "https://h.example", null),
            ("a", ReceiverKind.Webhook, "http://h.example", null),
            ("a", ReceiverKind.Webhook, "https://h.example", "token"),
            ("a", ReceiverKind.Ntfy, "https://n.example", null),
            ("a", ReceiverKind.Ntfy, "https://n.example/t", "two words"),
        })
        {
            var refused = await Assert.ThrowsAsync<ControlException>(
                () => owner.SetReceiverAsync(new NotifySetRequest(name, kind, url, token), default));
            Assert.Equal(ErrorCode.InvalidRequest, refused.Code);
        }

        foreach (var wrong in (NotifySetRequest[])
        [
            new("a", ReceiverKind.Webhook, "https://h.example", Kinds: [PushKind.Plan, PushKind.Plan]),
            new("a", ReceiverKind.Webhook, "https://h.example", Quiet: new QuietHours("22:00", "22:00", "UTC")),
            new("a", ReceiverKind.Webhook, "https://h.example", Quiet: new QuietHours("22:00", "25:00", "UTC")),
            new("a", ReceiverKind.Webhook, "https://h.example", Quiet: new QuietHours("22:00", "07:00", "../../etc/passwd")),
            new("a", ReceiverKind.Webhook, "https://h.example", AfterSeconds: -1),
        ])
        {
            Assert.Equal(
                ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ControlException>(() => owner.SetReceiverAsync(wrong, default))).Code);
        }

        Assert.False(File.Exists(daemon.Options.Home.Notify));
        for (var i = 0; i < ReceiverSettings.Most; i++)
        {
            await owner.SetReceiverAsync(new NotifySetRequest($"n{i}", ReceiverKind.Ntfy, $"https://n.example/t{i}"), default);
        }

        var full = await Assert.ThrowsAsync<ControlException>(
            () => owner.SetReceiverAsync(new NotifySetRequest("more", ReceiverKind.Ntfy, "https://n.example/t"), default));
        Assert.Equal(ErrorCode.Conflict, full.Code);
        await owner.SetReceiverAsync(new NotifySetRequest("n3", ReceiverKind.Webhook, "https://h.example"), default); // one of its name
        Assert.Equal(ReceiverSettings.Most, (await owner.ListReceiversAsync(default)).Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"v\":2,\"receivers\":[]}")]
    [InlineData("{\"v\":1,\"receivers\":[{\"name\":\"a\",\"kind\":\"pigeon\",\"url\":\"https://h.example\",\"details\":false,\"digest\":false}]}")]
    [InlineData("{\"v\":1,\"receivers\":[{\"name\":\"a\",\"kind\":\"ntfy\",\"url\":\"file:///etc\",\"details\":false,\"digest\":false}]}")]
    [InlineData("{\"v\":1,\"receivers\":[{\"name\":\"../a\",\"kind\":\"ntfy\",\"url\":\"https://n.example/t\",\"details\":false,\"digest\":false}]}")]
    [InlineData("{\"v\":1,\"receivers\":[{\"name\":\"a\",\"kind\":\"ntfy\",\"url\":\"https://n.example/t\",\"details\":false,\"digest\":false,\"afterSeconds\":-1}]}")]
    [InlineData("{\"v\":1,\"receivers\":[{\"name\":\"a\",\"kind\":\"ntfy\",\"url\":\"https://n.example/t\",\"details\":false,\"digest\":false,\"quiet\":{\"from\":\"1\",\"to\":\"2\",\"timeZone\":\"UTC\"}}]}")]
    public void A_damaged_file_is_refused_with_what_to_do(string text)
    {
        var home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);
        File.WriteAllText(home.Notify, text);
        Assert.Contains("pocketcoder notify set", Assert.Throws<HomeRefusal>(() => ReceiverSettings.Load(home)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_can_not_be_recorded_is_not_set()
    {
        var fails = false;
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with
        {
            Seam = step => _ = fails && step == "commit" ? throw new InvalidOperationException("as if the disk were full") : 0,
        });
        using var owner = Owner(daemon);
        fails = true;
        await Assert.ThrowsAsync<ControlException>(
            () => owner.SetReceiverAsync(new NotifySetRequest("a", ReceiverKind.Ntfy, "https://n.example/t"), default));
        fails = false;
        Assert.Empty(await owner.ListReceiversAsync(default));
        Assert.False(File.Exists(daemon.Options.Home.Notify));
    }

    private static ControlClient Owner(TestDaemon daemon) => new(new InProcessTransport(daemon.Daemon.Owner));

    /// <summary>What arrived at a path with this value.</summary>
    private static async Task<JsonElement> NextAsync(PushStory story, string path, string member, string value)
    {
        JsonElement found = default;
        await Wait.UntilAsync(
            () =>
            {
                foreach (var one in story.Service.Received.Where(r => r.Path == path))
                {
                    found = JsonDocument.Parse(one.Text).RootElement;
                    if (found.GetProperty(member).GetString() == value)
                    {
                        return true;
                    }
                }

                return false;
            },
            $"{value} at {path}");
        return found;
    }
}
