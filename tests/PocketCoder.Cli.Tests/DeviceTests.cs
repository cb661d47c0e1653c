using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Cli.Tests;

/// <summary><c>pair</c> and <c>devices</c>.</summary>
public sealed class DeviceTests
{
    [Fact]
    public async Task Pairing_shows_a_link_waits_and_says_who_came()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var pair = home.Begin("pair", "--scope", "view", "--scope", "manage", "--name", "Ada's phone");
        await Wait.UntilAsync(() => pair.Out.Contains("This link works on this computer only", StringComparison.Ordinal),
            "the link is shown, with what is said of it last");
        Assert.Contains("It may view, manage.", pair.Out, StringComparison.Ordinal);
        var link = pair.Out.Split('\n').First(l => l.StartsWith(home.Url, StringComparison.Ordinal));

        await using var phone = await TestDevice.PairAsync(link, "what it calls itself");

        var ended = (await pair.EndAsync()).Succeeded();
        Assert.Contains($"Paired: Ada's phone (test/1). If this is not your device: pocketcoder devices revoke {phone.Hello.DeviceId}",
            ended.Out, StringComparison.Ordinal);
        var device = (await home.AskAsync("devices", "list"))[0];
        Assert.Equal("Ada's phone", device.GetProperty("name").GetString());
        Assert.Equal(["view", "manage"], device.GetProperty("scopes").EnumerateArray().Select(s => s.GetString()!));
        Assert.True(device.GetProperty("connected").GetBoolean());

        await Assert.ThrowsAnyAsync<Exception>(() => TestDevice.PairAsync(link, "second to come"));
        Assert.Single((await home.AskAsync("devices", "list")).EnumerateArray());
    }

    [Fact]
    public async Task In_JSON_pairing_is_one_value_for_the_offer_and_one_for_the_device()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var pair = home.Begin("pair", "--json");
        await Wait.UntilAsync(() => pair.Out.EndsWith('\n'), "the offer is shown");
        var offer = new Ran(0, pair.Out, "").Json;

        await using var phone = await TestDevice.PairAsync(offer.GetProperty("links")[0].GetString()!, "phone");

        var lines = (await pair.EndAsync()).Succeeded().Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        var paired = new Ran(0, lines[1], "").Json;
        Assert.Equal("paired", paired.GetProperty("state").GetString());
        Assert.Equal(phone.Hello.DeviceId, paired.GetProperty("device").GetProperty("deviceId").GetString());
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(50, false)]
    [InlineData(0, true)] // a terminal that does not know its size
    public async Task In_a_terminal_the_link_is_a_QR_code_too_when_there_is_room(int columns, bool drawn)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "script (bsdutils) is not installed");
        await using var home = new CliHome();
        await home.StartAsync();
        home.Environment["TERM"] = "xterm";
        await using var terminal = RunningProgram.Start(
            "/usr/bin/script", ["-q", "-e", "-c", $"stty cols {columns} rows 50; '{CliHome.Built}' pair --no-wait", "/dev/null"],
            home.Environment, home.Work);

        var shown = (await terminal.EndAsync()).Succeeded().Out;

        Assert.Contains($"{home.Url}/#pair=", shown, StringComparison.Ordinal);
        var lines = shown.Split("\r\n").Where(l => l.Contains('█', StringComparison.Ordinal))
            .Select(l => l.TrimStart('\u001b', '[', '?', '1', 'h', '=')).ToList();
        Assert.Equal(drawn, lines.Count > 0);
        Assert.Equal(!drawn, shown.Contains("too narrow", StringComparison.Ordinal));
        if (drawn)
        {
            // Square, at two modules a character, with a quiet zone that has ink without colours.
            var width = Assert.Single(lines.Select(l => l.Length).Distinct());
            Assert.Equal((width + 1) / 2, lines.Count);
            Assert.Equal(new string('█', width), lines[0]);
            Assert.All(lines, l => Assert.True(
                l.StartsWith("████", StringComparison.Ordinal) && l.EndsWith("████", StringComparison.Ordinal) || l.Trim('▀').Length == 0));
        }
    }

    [Fact]
    public async Task At_a_terminal_a_start_without_devices_shows_a_link_and_its_QR_code()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "script (bsdutils) is not installed");
        await using var home = new CliHome();
        home.Environment["TERM"] = "xterm";
        foreach (var already in (bool[])[false, true])
        {
            await using var terminal = RunningProgram.Start(
                "/usr/bin/script",
                ["-q", "-e", "-c", $"stty cols 100 rows 50; '{CliHome.Built}' start --demo --listen {home.Listen}", "/dev/null"],
                home.Environment, home.Work);
            var shown = (await terminal.EndAsync()).Succeeded().Out;
            Assert.Equal(already, shown.Contains("already running", StringComparison.Ordinal));
            Assert.Contains($"{home.Url}/#pair=", shown, StringComparison.Ordinal);
            Assert.Contains('█', shown);
        }

        // A script gets no secret that it did not ask for.
        var piped = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Succeeded();
        Assert.DoesNotContain("#pair=", piped.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_that_was_tried_with_wrong_secrets_is_dead_and_the_person_who_waits_is_told()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var pair = home.Begin("pair");
        await Wait.UntilAsync(() => pair.Out.Contains("Open the link on the device", StringComparison.Ordinal), "the link is shown");
        var link = pair.Out.Split('\n').First(l => l.StartsWith(home.Url, StringComparison.Ordinal));
        var parts = link.Split("pair=");
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]);
        bytes[^1] ^= 1; // the end of the link is its secret
        var wrong = parts[0] + "pair=" + System.Buffers.Text.Base64Url.EncodeToString(bytes);

        while (!pair.HasExited)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => TestDevice.PairAsync(wrong, "guesser"));
        }

        Assert.Contains("the link is no longer valid", (await pair.EndAsync()).Ended(1).Error, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(() => TestDevice.PairAsync(link, "the right one, too late"));
        Assert.Equal("No paired devices. Pair one: pocketcoder pair\n", (await home.RunAsync("devices", "list")).Succeeded().Out);
    }

    [Fact]
    public async Task Revoking_ends_the_live_connection_and_the_device_stays_out()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var phone = await home.PairAsync();
        await using var tablet = await home.PairAsync("tablet");

        Assert.Equal($"Revoked phone ({phone.Hello.DeviceId}).\n", (await home.RunAsync("devices", "revoke", "phone")).Succeeded().Out);

        await phone.NextAsync(e => e.Error?.Code == ErrorCode.Unauthorized, "the phone is told why");
        await phone.Over.WaitAsync(Wait.Limit);
        await Assert.ThrowsAnyAsync<Exception>(() => phone.AgainAsync(home.Url));
        Assert.False(tablet.Over.IsCompleted);
        var list = (await home.RunAsync("devices", "list")).Succeeded().Out;
        Assert.Matches("phone .* revoked .*\n", list);
        Assert.Matches("tablet .* connected .*\n", list);
        Assert.Contains("No such device", (await home.RunAsync("devices", "revoke", "nobody")).Ended(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Renaming_takes_ids_and_names_and_keeps_bad_names_out()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var phone = await home.PairAsync();

        Assert.Contains("Renamed to Ada's phone",
            (await home.RunAsync("devices", "rename", phone.Hello.DeviceId[..6], "Ada's phone")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal("Ada's phone",
            (await home.AskAsync("devices", "rename", "Ada's phone", "Ada's phone"))[0].GetProperty("name").GetString());
        foreach (var bad in (string[])["", " ", "two\nlines", new string('x', 101)])
        {
            var told = (await home.RunAsync("devices", "rename", "Ada's phone", bad)).Ended(2).Error;
            Assert.Contains(string.IsNullOrWhiteSpace(bad) ? "name can't be empty" : "1 to 100 visible characters", told,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_device_that_calls_itself_something_hostile_is_not_paired()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => home.PairAsync("\u202ephone\u200b"));

        var list = (await home.RunAsync("devices", "list")).Succeeded().Out;

        Assert.DoesNotContain("phone", list, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', list);
        Assert.DoesNotContain('\u200b', list);
    }

    [Fact]
    public async Task The_owner_says_whose_a_device_is_what_it_may_allow_and_that_two_people_decide()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var phone = await home.PairAsync();
        Assert.StartsWith("Off:", (await home.RunAsync("machine", "two-person")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Contains("Nobody beside you", (await home.RunAsync("machine", "two-person", "on")).Ended(2).Error, StringComparison.Ordinal);

        Assert.Equal("phone is of ada and may allow any tier.\n", (await home.RunAsync("devices", "limit", "phone", "--person", "ada")).Succeeded().Out);
        Assert.Equal(
            "phone is of ada and may allow up to reaches_out.\n",
            (await home.RunAsync("devices", "limit", "phone", "--tier", "reaches_out")).Succeeded().Out);
        Assert.StartsWith("On:", (await home.RunAsync("machine", "two-person", "on")).Succeeded().Out, StringComparison.Ordinal);
        Assert.True((await home.AskAsync("machine", "two-person")).GetProperty("on").GetBoolean());
        Assert.Matches(@"phone\s+app\s+view.*, up to reaches_out\s+ada\s", (await home.RunAsync("devices", "list")).Succeeded().Out);
        var device = (await home.AskAsync("devices", "limit", "phone", "--nobody", "--any-tier"))[0];
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (device.GetProperty("person").ValueKind, device.GetProperty("tier").ValueKind));
        Assert.StartsWith("Off:", (await home.RunAsync("machine", "two-person", "off")).Succeeded().Out, StringComparison.Ordinal);
        foreach (var wrong in (string[][])[[], ["--person", "a", "--nobody"], ["--tier", "read", "--any-tier"], ["--tier", "all"], ["--person", "Ada"]])
        {
            (await home.RunAsync(["devices", "limit", "phone", .. wrong])).Ended(2);
        }
    }

    [Fact]
    public async Task The_machine_has_a_label_that_devices_see()
    {
        await using var home = new CliHome();
        await home.StartAsync();

        Assert.Equal("Workshop\n", (await home.RunAsync("machine", "label", "Workshop")).Succeeded().Out);
        Assert.Equal("Workshop", (await home.AskAsync("machine", "label")).GetProperty("label").GetString());
        Assert.Contains("1 to 64 visible characters", (await home.RunAsync("machine", "label", "a\u0007b")).Ended(2).Error,
            StringComparison.Ordinal);
        await using var phone = await home.PairAsync();
        Assert.Equal("Workshop", phone.Hello.Machine.Name);
        (await home.RunAsync("stop")).Succeeded();
        await home.StartAsync();
        Assert.Equal("Workshop", (await home.AskAsync("status")).GetProperty("name").GetString());
    }
}
