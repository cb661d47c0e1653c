using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Devices;

/// <summary>No device goes by a name that can't be seen whole, or that another one is known by.</summary>
public sealed class DeviceNameTests
{
    [Theory]
    [InlineData("Pixel 9")]
    [InlineData("Ada's phone (2)")]
    [InlineData("Größe Ü")]
    [InlineData("\u042f\u0431\u043b\u043e\u043a\u043e 1")] // all Cyrillic
    [InlineData("\u624b\u673a")]
    [InlineData("phone \U0001f4f1")]
    public void An_ordinary_name_is_taken(string name) => Assert.Equal(name, DeviceNames.Require(name));

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("a\u202eb")]
    [InlineData("a\u2066b")]
    [InlineData("a\u200bb")]
    [InlineData("a\u200db")]
    [InlineData("a\u00adb")]
    [InlineData("a\ufeffb")]
    [InlineData("a\u2060b")]
    [InlineData("a\u034fb")]
    [InlineData("a\u3164b")]
    [InlineData("a\u2800b")]
    [InlineData("a\u2028b")]
    [InlineData("a\u00a0b")]
    [InlineData("a  b")]
    [InlineData("a\tb")]
    [InlineData("a\nb")]
    [InlineData("a\u0085b")]
    [InlineData("a\ue000b")]
    [InlineData("a\ufe0fb")]
    [InlineData("a\U000e0041b")]
    [InlineData("\u0301a")]
    [InlineData("a\u0301\u0301\u0301")]
    [InlineData("ph\u043ene")] // a Cyrillic letter in a Latin word
    [InlineData("\u0440hone")]
    [InlineData("cli")]
    [InlineData("CL1")]
    [InlineData("\uff43\uff4c\uff49")] // full width
    [InlineData("The Owner")]
    [InlineData("\uff50hone")]
    [InlineData("\U0001d5c9hone")]
    [InlineData("\u24d2\u24db\u24d8")]
    [InlineData("\u13df\u13de\u13c6")] // Cherokee
    [InlineData("time-out")]
    [InlineData("time\u2010out")]
    public void A_name_that_hides_something_or_is_somebody_else_s_is_refused(string name)
        => Assert.Equal(ErrorCode.InvalidRequest, Assert.Throws<RequestFailure>(() => DeviceNames.Require(name)).Error.Code);

    [Fact]
    public void Every_character_that_is_not_seen_is_refused_wherever_it_stands()
    {
        for (var value = 0; value <= 0x10FFFF; value++)
        {
            if (value is >= 0xD800 and <= 0xDFFF)
            {
                continue;
            }

            var category = System.Text.Rune.GetUnicodeCategory(new System.Text.Rune(value));
            if (category is System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
                or System.Globalization.UnicodeCategory.PrivateUse
                or System.Globalization.UnicodeCategory.OtherNotAssigned or System.Globalization.UnicodeCategory.LineSeparator
                    or System.Globalization.UnicodeCategory.ParagraphSeparator)
            {
                Assert.False(NameShape.IsPlain($"a{char.ConvertFromUtf32(value)}b"), $"U+{value:X4}");
            }
        }

        Assert.False(NameShape.IsPlain("a\ud800b"));
        Assert.False(NameShape.IsPlain("\udc00"));
    }

    [Theory]
    [InlineData("phone", "PHONE")]
    [InlineData("phone", "Ph\u00f6ne")]
    [InlineData("phone", "ph0ne")]
    [InlineData("pixel", "pixe1")]
    [InlineData("pixel", "pixeI")]
    [InlineData("modem", "modern")]
    [InlineData("my phone", "myphone")]
    [InlineData("HOME", "\u041d\u041e\u041c\u0415")] // Cyrillic capitals
    [InlineData("HOME", "\u0397\u039f\u039c\u0395")] // Greek capitals
    [InlineData("copa", "\u0441\u043e\u0440\u0430")] // Cyrillic
    [InlineData("oho", "\u0585\u0570\u0585")] // Armenian
    [InlineData("Stra\u00dfe", "STRASSE")]
    public void What_is_drawn_alike_is_alike(string one, string other)
    {
        Assert.True(NameShape.LookAlike(one, other));
        Assert.True(NameShape.LookAlike(other, one));
    }

    [Theory]
    [InlineData("phone", "phones")]
    [InlineData("phone", "phone (2)")]
    [InlineData("tablet", "table")]
    public void What_is_not_is_not(string one, string other) => Assert.False(NameShape.LookAlike(one, other));

    [Fact]
    public async Task Renaming_to_a_name_that_looks_like_another_device_s_is_refused_and_changes_nothing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync("phone");
        await using var tablet = await daemon.PairAsync("tablet");
        foreach (var name in (string[])["tablet", "TABLET", " tablet ", "tab1et", "tabl\u00e9t", "t\u0430blet", "tab\u200blet",
            "\u202etelbat", "person"])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.AskAsync(
                MessageTypes.DeviceRename, new DeviceRenameRequest(phone.Device.Identity.Id, name),
                ProtocolJson.Default.DeviceRenameRequest, ProtocolJson.Default.DeviceRenameResponse));
            Assert.Equal(ErrorCode.InvalidRequest, refused.Error.Code);
            Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ControlException>(
                () => daemon.Daemon.AsOwner().RenameDeviceAsync(phone.Device.Identity.Id, name, CancellationToken.None))).Code);
        }

        Assert.Equal(["phone", "tablet"],
            (await daemon.Daemon.AsOwner().ListDevicesAsync(CancellationToken.None)).Select(d => d.Name).Order());
        var own = await phone.Device.AskAsync(
            MessageTypes.DeviceRename, new DeviceRenameRequest(phone.Device.Identity.Id, "Phone"), ProtocolJson.Default.DeviceRenameRequest,
            ProtocolJson.Default.DeviceRenameResponse);
        Assert.Equal("Phone", own.Device.Name); // like its own is no other's
    }

    [Fact]
    public async Task Two_devices_that_call_themselves_the_same_are_told_apart_and_a_revoked_one_s_name_is_free()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var owner = daemon.Daemon.AsOwner();
        await using var first = await daemon.PairAsync("Chrome on Android");
        await using var second = await daemon.PairAsync("chrome on Andr0id");
        await using var third = await daemon.PairAsync("Chrome on Android");
        Assert.Equal(["Chrome on Android", "chrome on Andr0id (2)", "Chrome on Android (3)"],
            (await owner.ListDevicesAsync(CancellationToken.None)).Select(d => d.Name));
        Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ControlException>(
            () => owner.PairAsync(new PairingRequest([Scope.View], "CHROME ON ANDROID"), CancellationToken.None))).Code);

        await owner.RevokeDeviceAsync(first.Identity.Id, CancellationToken.None);
        await using var next = await daemon.PairAsync("Chrome on Android");
        Assert.Equal("Chrome on Android",
            (await owner.ListDevicesAsync(CancellationToken.None)).Single(d => d.DeviceId == next.Identity.Id).Name);
        await Assert.ThrowsAnyAsync<Exception>(() => daemon.PairAsync("\u202ephone"));
        Assert.Equal(4, (await owner.ListDevicesAsync(CancellationToken.None)).Count);
    }

    [Fact]
    public void A_number_behind_the_longest_name_still_fits()
    {
        var longest = new string('x', Limits.NameLength);
        var free = DeviceNames.Free(longest, [longest]);
        Assert.Equal(Limits.NameLength, free.Length);
        Assert.EndsWith(" (2)", free, StringComparison.Ordinal);
    }
}
