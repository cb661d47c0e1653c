using Microsoft.Playwright;
using PocketCoder.Testing;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>A terminal on a phone: the real app, the real daemon, the real sandbox.</summary>
[Trait("Category", "Slow")]
public sealed class TerminalStoryTests(Browser browser) : IClassFixture<Browser>
{
    [Fact]
    public async Task A_person_opens_a_terminal_types_resizes_finds_and_ends_it()
    {
        await using var machine = await RunningMachine.StartAsync();
        await using var phone = await browser.PhoneAsync();
        await AppStoryTests.PairAsync(machine, phone);
        await AppStoryTests.NewSessionAsync(phone, "hello", sandbox: "bubblewrap");
        await phone.Id("open-terminal").ClickAsync();
        var terminal = phone.Id("terminal");
        await Expect(terminal).ToHaveAttributeAsync("data-state", "live");
        await Expect(terminal).ToContainTextAsync("$");

        var keyboard = phone.Page.Locator(".xterm textarea");
        await keyboard.FocusAsync();
        await phone.Page.Keyboard.TypeAsync("echo hi-$((6*7)); hostname");
        await phone.Page.Keyboard.PressAsync("Enter");
        await Expect(terminal).ToContainTextAsync("hi-42");
        await Expect(terminal).ToContainTextAsync("hands");
        await phone.PictureAsync("40-terminal");

        // The keyboard comes up, so to say: fewer rows, for the program inside too.
        var before = await terminal.GetAttributeAsync("data-size");
        await phone.Page.SetViewportSizeAsync(390, 500);
        await Expect(terminal).Not.ToHaveAttributeAsync("data-size", before!);
        await keyboard.FocusAsync();
        await phone.Page.Keyboard.TypeAsync("sleep 600");
        await phone.Page.Keyboard.PressAsync("Enter");
        await phone.Id("key-ctrl").ClickAsync();
        await phone.Page.Keyboard.TypeAsync("c");
        await Expect(terminal).ToContainTextAsync("^C");
        await phone.Page.Keyboard.TypeAsync("stty size; seq 1 500; echo needle-''here");
        await phone.Page.Keyboard.PressAsync("Enter");
        await Expect(terminal).ToContainTextAsync("needle-here");

        await phone.Id("terminal-find").ClickAsync();
        await phone.Page.Locator("input[type=search]").FillAsync("hi-42");
        await Expect(phone.Id("terminal-hits")).ToContainTextAsync("of");
        await Expect(terminal).ToContainTextAsync("hi-42");
        await phone.PictureAsync("41-terminal-find");

        // Away and back: it went on, and is drawn as it is.
        await phone.ReopenAsync();
        await Expect(phone.Id("terminal")).ToContainTextAsync("needle-here");

        await phone.Id("terminal-menu").ClickAsync();
        await phone.Id("terminal-end").ClickAsync();
        await phone.Id("terminal-end").ClickAsync();
        await Expect(phone.Id("terminal-ended")).ToBeVisibleAsync();
        Assert.Empty(await machine.Control.Terminals.ListTerminalsAsync(null, CancellationToken.None));
        Assert.Empty(phone.Complaints);
        Assert.True((await machine.Control.VerifyLedgerAsync(CancellationToken.None)).Intact);
    }
}
