using System.Net;
using System.Runtime.Versioning;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Channels;
using PocketCoder.Gateway.Relay.Letters;
using PocketCoder.Gateway.Tests.Machines;
using PocketCoder.Link;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Accounts;

/// <summary>Letters for machines that are away: kept, bounded, delivered in order, taken back, and forgotten.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class LetterTests : IDisposable
{
    private readonly ChannelIdentity _identity = ChannelIdentity.Create();

    /// <summary>The same each time: a letter that is left again has it.</summary>
    private readonly DateTimeOffset _end = TimeProvider.System.GetUtcNow().AddDays(3);

    public void Dispose() => _identity.Dispose();

    [Fact]
    public async Task They_wait_over_a_restart_and_are_delivered_in_order_once_when_the_machine_comes()
    {
        var first = await AwayAsync();
        using (var owner = await AccountBrowser.OwnerAsync(first))
        {
            foreach (var id in (string[])["one", "two"])
            {
                await owner.DoneAsync("letters/leave", Leave(id));
            }

            await owner.DoneAsync("letters/leave", Leave("two", seal: 9)); // once more, since the answer was lost
            Assert.Equal(["one", "two"], await WaitingAsync(owner));
            Assert.Equal(2, Directory.GetFiles(first.Letters).Length);
            Assert.All(Directory.GetFiles(first.Letters), f => Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
        }

        await using var gateway = await first.AgainAsync();
        await using var machine = await gateway.MachineAsync(_identity, letters: true);
        foreach (var seal in (byte[])[1, 2])
        {
            var number = await machine.OpenedAsync();
            var frame = await machine.NextAsync();
            Assert.Equal((LinkKind.Frame, number), (frame.Kind, frame.Connection));
            Assert.Equal([RelayFrame.Letter, seal], frame.Rest.ToArray());
            await machine.EndAsync(number, RelayClose.Normal, "letter_taken");
        }

        await Wait.UntilAsync(() => Directory.GetFiles(gateway.Letters).Length == 0, "nothing is kept of them");
    }

    [Fact]
    public async Task One_that_is_left_while_the_machine_is_there_is_delivered_at_once_and_one_that_it_refuses_is_forgotten()
    {
        await using var gateway = await AwayAsync();
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        await using var machine = await gateway.MachineAsync(_identity, letters: true);
        foreach (var outcome in (string[])["letter_taken", "letter_refused"])
        {
            await owner.DoneAsync("letters/leave", Leave(outcome));
            var number = await machine.OpenedAsync();
            await machine.NextAsync();
            Assert.Equal([outcome], await WaitingAsync(owner));
            Assert.False(await WithdrawnAsync(owner, outcome)); // it is on its way
            await machine.EndAsync(number, RelayClose.Normal, outcome);
            await Wait.UntilAsync(() => Directory.GetFiles(gateway.Letters).Length == 0, "it is done with");
            Assert.False(await WithdrawnAsync(owner, outcome));
        }
    }

    [Theory]
    [InlineData("later")]
    [InlineData("leaves")]
    [InlineData("says nothing that is known")]
    public async Task One_that_the_machine_did_not_take_waits_on(string how)
    {
        var time = new ManualTime();
        await using var gateway = await AwayAsync(time);
        using var owner = await AccountBrowser.OwnerAsync(gateway, time: time);
        await owner.DoneAsync("letters/leave", Leave("one", time));
        var machine = await gateway.MachineAsync(_identity, letters: true);
        await using (machine)
        {
            var number = await machine.OpenedAsync();
            await machine.NextAsync();
            if (how != "leaves")
            {
                await machine.EndAsync(number, RelayClose.Normal, how == "later" ? "letter_later" : "thanks");
            }
        }

        await Wait.UntilAsync(() => gateway.Machines.Now.Count == 0, "the machine is gone");
        await using var back = await gateway.MachineAsync(_identity, letters: true);
        var again = await back.OpenedAsync();
        Assert.Equal([RelayFrame.Letter, 1], (await back.NextAsync()).Rest.ToArray());
        await back.EndAsync(again, RelayClose.Normal, "letter_taken");
        await Wait.UntilAsync(() => Directory.GetFiles(gateway.Letters).Length == 0, "it is done with");
    }

    [Fact]
    public async Task One_that_can_not_be_read_does_not_hold_up_those_behind_it()
    {
        await using var gateway = await AwayAsync();
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        await owner.DoneAsync("letters/leave", Leave("one"));
        File.WriteAllText(Directory.GetFiles(gateway.Letters).Single(), "no letter");
        await owner.DoneAsync("letters/leave", Leave("two"));
        await using var machine = await gateway.MachineAsync(_identity, letters: true);
        var number = await machine.OpenedAsync();
        Assert.Equal([RelayFrame.Letter, 2], (await machine.NextAsync()).Rest.ToArray());
        await machine.EndAsync(number, RelayClose.Normal, "letter_taken");
        await Wait.UntilAsync(() => Directory.GetFiles(gateway.Letters).Length == 1, "the other one is done with");
    }

    [Fact]
    public async Task A_machine_connects_and_people_are_told_when_letters_can_not_be_used()
    {
        var time = new ManualTime();
        await using var gateway = await AwayAsync(time);
        using var owner = await AccountBrowser.OwnerAsync(gateway, time: time);
        await owner.DoneAsync("letters/leave", Leave("one", time, TimeSpan.FromMinutes(1)));
        var file = Directory.GetFiles(gateway.Letters).Single();
        File.Delete(file);
        Directory.CreateDirectory(file); // which can't be deleted as a file is
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("unavailable", AccountBrowser.CodeOf(await owner.PostAsync("letters", "{}")));
        Assert.Equal("unavailable", AccountBrowser.CodeOf(await owner.PostAsync("letters/leave", Leave("two", time))));
        await using var machine = await gateway.MachineAsync(_identity, letters: true);
        using var device = await gateway.DeviceAsync(_identity.Id, await owner.TicketAsync(_identity.Id));
        await machine.OpenedAsync();
    }

    [Fact]
    public async Task A_machine_of_before_is_given_none()
    {
        await using var gateway = await AwayAsync();
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        await owner.DoneAsync("letters/leave", Leave("one"));
        await using var machine = await gateway.MachineAsync(_identity);
        using var device = await gateway.DeviceAsync(_identity.Id, await owner.TicketAsync(_identity.Id));
        var number = await machine.OpenedAsync();
        await device.SendFrameAsync([RelayFrame.Sealed, 7]);
        Assert.Equal([RelayFrame.Sealed, 7], (await machine.NextAsync()).Rest.ToArray()); // the first frame of anybody
        Assert.Equal(1u, number);
        Assert.Equal(["one"], await WaitingAsync(owner));
    }

    [Fact]
    public async Task They_are_taken_back_end_and_go_with_the_right_to_meet_the_machine()
    {
        var time = new ManualTime();
        await using var gateway = await AwayAsync(time);
        using var owner = await AccountBrowser.OwnerAsync(gateway, time: time);
        using var grace = await owner.InviteAsync("operator", "grace", _identity.Id);
        await owner.DoneAsync("letters/leave", Leave("mine", time));
        await grace.DoneAsync("letters/leave", Leave("mine", time)); // the same name is another's own
        await grace.DoneAsync("letters/leave", Leave("short", time, TimeSpan.FromMinutes(1)));
        Assert.False(await WithdrawnAsync(grace, "other"));
        Assert.True(await WithdrawnAsync(owner, "mine"));
        Assert.False(await WithdrawnAsync(owner, "mine"));
        Assert.Empty(await WaitingAsync(owner));
        Assert.Equal(["mine", "short"], await WaitingAsync(grace));

        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(["mine"], await WaitingAsync(grace));
        await grace.DoneAsync("sign-out");
        await using var machine = await gateway.MachineAsync(_identity, letters: true);
        await Wait.UntilAsync(() => Directory.GetFiles(gateway.Letters).Length == 0, "the letter went with the sign-in");
        await owner.DoneAsync("letters/leave", Leave("last", time));
        await machine.OpenedAsync();
        Assert.Equal([RelayFrame.Letter, 1], (await machine.NextAsync()).Rest.ToArray());
    }

    [Fact]
    public async Task What_is_none_and_for_whom_one_may_not_write_is_refused_and_kept_nowhere()
    {
        await using var gateway = await AwayAsync();
        using var owner = await AccountBrowser.OwnerAsync(gateway);
        using var viewer = await owner.InviteAsync("viewer", "vi");
        using var other = await owner.InviteAsync("operator", "olga", "another");
        Assert.Equal("forbidden", AccountBrowser.CodeOf(await viewer.PostAsync("letters/leave", Leave("one"))));
        var forbidden = await other.PostAsync("letters/leave", Leave("one"));
        var unknown = await other.PostAsync("letters/leave", Leave("one").Replace(_identity.Id, "another", StringComparison.Ordinal));
        Assert.Equal("not_found", AccountBrowser.CodeOf(forbidden));
        Assert.Equal(forbidden.Answer.GetRawText(), unknown.Answer.GetRawText());
        foreach (var wrong in (string[])[
            Leave(""), Leave(new string('i', 65)), Leave("../x"), Leave("one", life: TimeSpan.Zero),
            Leave("one", life: TimeSpan.FromDays(8)),
            Leave("one", kind: RelayFrame.Sealed), Leave("one", bytes: 0), Leave("one", bytes: RelayFrame.MaxBytes + 1), "{}",
            Leave("one", bytes: 100_000)])
        {
            Assert.Equal("malformed", AccountBrowser.CodeOf(await owner.PostAsync("letters/leave", wrong)));
        }

        Assert.Empty(Directory.GetFiles(gateway.Letters));
        await owner.DoneAsync("letters/leave", Leave("one", bytes: RelayFrame.MaxBytes)); // the largest
        var conflict = await owner.PostAsync("letters/leave", Leave("one", life: TimeSpan.FromHours(1)));
        Assert.Equal("malformed", AccountBrowser.CodeOf(conflict));
    }

    [Fact]
    public async Task One_person_has_so_many_and_what_is_no_letter_is_left_alone()
    {
        var folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
        try
        {
            var time = new ManualTime();
            var now = time.GetUtcNow();
            var store = new LetterStore(folder.FullName, time, new TestLog().CreateLogger<LetterStore>());
            StoredLetter Of(string user, string machine, int at)
                => new($"{at}", machine, user, "s", now, now.AddDays(1), [RelayFrame.Letter]);
            foreach (var at in Enumerable.Range(0, LetterStore.MostOfPerson))
            {
                Assert.Null(store.Leave(Of("ada", $"m{at % 7}", at)));
            }

            Assert.Equal(LetterRefusal.TooMany, store.Leave(Of("ada", "m", 1_000)));
            var people = LetterStore.MostForMachine / LetterStore.MostOfPerson;
            foreach (var at in Enumerable.Range(0, LetterStore.MostForMachine))
            {
                Assert.Null(store.Leave(Of($"p{at % people}", "busy", at)));
            }

            Assert.Equal(LetterRefusal.TooMany, store.Leave(Of("somebody", "busy", 1_000)));
            Assert.Null(store.Leave(Of("somebody", "quiet", 1_000)));

            File.WriteAllText(Path.Combine(folder.FullName, "notes.letter"), "no letter");
            var one = Directory.GetFiles(folder.FullName, "*.letter").First(f => !f.EndsWith("notes.letter", StringComparison.Ordinal));
            File.SetUnixFileMode(one, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
            var again = new LetterStore(folder.FullName, time, new TestLog().CreateLogger<LetterStore>());
            Assert.Equal(
                LetterStore.MostOfPerson + LetterStore.MostForMachine + 1 - 1,
                again.Of("ada").Count + again.For("busy").Count + again.For("quiet").Count);
            Assert.True(File.Exists(Path.Combine(folder.FullName, "notes.letter")));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>A gateway with accounts that knows the machine, which is away.</summary>
    private async Task<RemoteGateway> AwayAsync(TimeProvider? time = null)
    {
        var gateway = await RemoteGateway.StartAsync(time, accounts: true);
        await using (await gateway.KnownAsync(_identity))
        {
        }

        await Wait.UntilAsync(() => gateway.Machines.Now.Count == 0, "the machine is gone");
        return gateway;
    }

    private string Leave(
        string id, TimeProvider? time = null, TimeSpan? life = null, byte kind = RelayFrame.Letter, int bytes = 2, byte? seal = null)
    {
        var letter = new byte[bytes];
        if (bytes > 0)
        {
            letter[0] = kind;
        }

        if (bytes > 1)
        {
            letter[1] = seal ?? (byte)(id == "two" ? 2 : 1);
        }

        var ends = life is { } given ? (time ?? TimeProvider.System).GetUtcNow() + given : time?.GetUtcNow().AddDays(3) ?? _end;
        return JsonSerializer.Serialize(new { machine = _identity.Id, id, endsAt = ends, letter = Convert.ToBase64String(letter) });
    }

    private static async Task<string[]> WaitingAsync(AccountBrowser browser)
        => [.. (await browser.DoneAsync("letters")).GetProperty("letters").EnumerateArray().Select(l => l.GetProperty("id").GetString()!)];

    private static async Task<bool> WithdrawnAsync(AccountBrowser browser, string id)
        => (await browser.DoneAsync("letters/withdraw", JsonSerializer.Serialize(new { id }))).GetProperty("withdrawn").GetBoolean();
}
