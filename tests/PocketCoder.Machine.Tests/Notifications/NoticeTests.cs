using PocketCoder.Machine.Notifications;
using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.Tests.Notifications;

/// <summary>What a notice may say and offer, and quiet hours.</summary>
public sealed class NoticeTests
{
    private static readonly PushNotice s_start = new(1, new string('f', 32), "m", PushNoticeKind.Permission, "", 1, DateTimeOffset.UnixEpoch);

    [Fact]
    public void Allow_is_offered_for_a_whole_plain_command_that_destroys_nothing_and_for_nothing_else()
    {
        Assert.True(Notices.IsWhole(Command("npm test")));
        Assert.True(Notices.IsWhole(Command("ls", tier: RiskTier.Read)));
        ApprovalInfo[] others =
        [
            Command("npm test", tier: RiskTier.Destructive), Command("npm test", tier: RiskTier.ReachesOut),
            Command("npm test", understood: false), Command("npm test") with { Risk = null },
            Command(new string('a', 159)), Command("a\nb"), Command("a\tb"), Command("a\u202eb"), Command("\u0430b"), Command("a   b"), Command(" a"),
            Command(""), Command("ls", cwd: new string('d', 80)), Command("ls", cwd: "/h\u00e9"), Command("ls", stdin: "x"), Command("ls", stdin: ""),
            Command("ls", background: true), Command("ls", scripts: [new ScriptInfo("/x/a.sh", null, null)]),
            Command("ls") with { Kind = ApprovalKind.Edit, Subject = new EditSubject("a", false, null, "t", "{}") },
            Command("ls") with { Kind = ApprovalKind.Tool, Subject = new ToolSubject("t", "{}") },
            Command("ls") with { Kind = ApprovalKind.Network, Subject = new NetworkSubject("h", 443, "CONNECT", []) },
            Command("ls") with { Kind = ApprovalKind.Plan, Subject = new PlanSubject("p") },
            Command("ls") with { Kind = ApprovalKind.Question, Subject = new QuestionSubject([]) },
        ];
        Assert.All(others, o => Assert.False(Notices.IsWhole(o)));
        Assert.All(others, o => Assert.False(Notices.Waits(s_start, o, details: true, decides: true).Whole));
    }

    [Fact]
    public void Without_details_or_without_the_right_nothing_is_offered()
    {
        var plain = Command("npm test");
        Assert.True(Notices.Waits(s_start, plain, details: true, decides: true).Whole);
        Assert.Equal((false, null, true), Offered(Notices.Waits(s_start, plain, details: false, decides: true)));
        Assert.Equal((false, "npm test", false), Offered(Notices.Waits(s_start, plain, details: true, decides: false)));
    }

    [Fact]
    public void The_longest_notice_fits_whatever_its_texts_are()
    {
        foreach (var c in (string[])["x", "<", "\u00e9", "\u65e5", "\U0001f388", "\u202e", "\n", "\\", "\"", "\ud800"])
        {
            var text = string.Concat(Enumerable.Repeat(c, 4_000));
            var name = Notices.Line(text, PushLimits.NameLength);
            var start = s_start with { Machine = name, Session = name, Project = name, Waiting = 9_999 };
            var notice = Notices.Waits(start, Command(text), true, true) with { Folder = new string('<', PushLimits.FolderLength) };
            Assert.True(Notices.Bytes(notice).Length <= PushSealing.MostBytes, c);
            Assert.DoesNotContain(name, r => char.IsControl(r));
        }
    }

    [Theory]
    [InlineData("22:00", "07:00", "UTC", 23, true)]
    [InlineData("22:00", "07:00", "UTC", 6, true)]
    [InlineData("22:00", "07:00", "UTC", 7, false)]
    [InlineData("22:00", "07:00", "UTC", 12, false)]
    [InlineData("09:00", "17:00", "UTC", 9, true)]
    [InlineData("09:00", "17:00", "UTC", 17, false)]
    [InlineData("22:00", "07:00", "Asia/Tokyo", 14, true)] // 23 there
    [InlineData("22:00", "07:00", "Asia/Tokyo", 23, false)] // 8 there
    public void Quiet_hours_are_those_of_the_device(string from, string to, string zone, int hour, bool quiet)
    {
        var settings = NotificationSettings.Require(NotificationSettings.Usual with { Quiet = new(from, to, zone) });
        Assert.Equal(quiet, NotificationSettings.IsQuiet(settings, new DateTimeOffset(2026, 6, 1, hour, 0, 0, TimeSpan.Zero)));
    }

    private static (bool, string?, bool) Offered(PushNotice notice) => (notice.Whole, notice.What, notice.Denies);

    private static ApprovalInfo Command(
        string command, RiskTier tier = RiskTier.WorkspaceWrite, bool understood = true, string cwd = "/home/me/project", string? stdin = null,
        bool background = false, IReadOnlyList<ScriptInfo>? scripts = null) => new(
            Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), "stub", null, ApprovalKind.Command,
            ApprovalState.Pending, new string('a', 64), new CommandSubject(command, cwd, "run", "{}", stdin, background, null, scripts), null, null,
            SandboxKind.Bubblewrap, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, null, null,
            new RiskInfo(tier, understood, true, []));
}
