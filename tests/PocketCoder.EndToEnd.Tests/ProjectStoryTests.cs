using Microsoft.Playwright;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Git;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>A person changes something themselves, from the phone, up to the server: no agent in it.</summary>
[Trait("Category", "Slow")]
public sealed class ProjectStoryTests(Browser browser) : IClassFixture<Browser>
{
    private const string Verse = "two\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven\ntwelve\n";

    [Fact]
    public async Task A_file_is_found_edited_committed_in_part_and_pushed_over_ssh_once_that_is_allowed()
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        await using var server = await SshServer.StartAsync();
        await using var machine = await RunningMachine.StartAsync(ssh: server.Client());
        var project = (await machine.Control.ListProjectsAsync(CancellationToken.None))[0];
        await Shell.RunAsync(
            project.Path,
            $"""
            git init -q -b main; git config user.name Ada; git config user.email ada@example.org; git remote add origin "{server.Url}"
            mkdir -p src/poems; printf 'one\n{Verse.Replace("\n", "\\n", StringComparison.Ordinal)}' > src/poems/counting.txt
            git add .; git commit -qm first; git push -q "{server.Repository}" main
            """);
        var file = Path.Combine(project.Path, "src/poems/counting.txt");
        await using var phone = await browser.PhoneAsync();
        await AppStoryTests.PairAsync(machine, phone);

        // Found by its name.
        await phone.Page.GotoAsync($"{machine.Url}/projects/{project.ProjectId}");
        await phone.Id("files-search").ClickAsync();
        await phone.Id("search-query").FillAsync("counting");
        await phone.Id("search-names").ClickAsync();
        await phone.PictureAsync("50-found");
        await phone.Id("hit").First.ClickAsync();

        // Edited at both ends.
        var text = phone.Page.Locator(".cm-content");
        await text.ClickAsync();
        await phone.Page.Keyboard.PressAsync("Control+Home");
        await phone.Page.Keyboard.TypeAsync("zero\n");
        await phone.Page.Keyboard.PressAsync("Control+End");
        await phone.Page.Keyboard.TypeAsync("thirteen\n");
        await phone.PictureAsync("51-edited");
        await phone.Id("save").ClickAsync();
        await Wait.UntilAsync(async () => await File.ReadAllTextAsync(file) == $"zero\none\n{Verse}thirteen\n",
            "what was typed is in the file");

        // One of the two parts is committed.
        await phone.Id("tab-git").ClickAsync();
        await phone.Id("change").Filter(new LocatorFilterOptions { HasText = "counting.txt" }).ClickAsync();
        await Expect(phone.Id("stage-hunk")).ToHaveCountAsync(2);
        await phone.PictureAsync("52-diff");
        await phone.Id("stage-hunk").First.ClickAsync();
        await Expect(phone.Id("stage-hunk")).ToHaveCountAsync(1);
        await phone.Id("git-back").ClickAsync();
        await Expect(phone.Id("group-staged")).ToBeVisibleAsync();
        await phone.PictureAsync("53-staged");
        await phone.Id("commit-open").ClickAsync();
        await phone.Id("commit-message").FillAsync("Count from zero");
        await phone.Id("commit").ClickAsync();
        await Expect(phone.Id("committed")).ToContainTextAsync("Count from zero");
        Assert.Equal($"zero\none\n{Verse}", await Shell.RunAsync(project.Path, "git show HEAD:src/poems/counting.txt"));
        Assert.Equal("+thirteen\n", await Shell.RunAsync(project.Path, "git diff -U0 | grep '^+[a-z]'"));

        // It leaves the machine when that is allowed, and only then.
        await phone.Id("push").ClickAsync();
        await Expect(phone.Id("consent")).ToContainTextAsync("Count from zero");
        await phone.PictureAsync("54-push");
        var before = await Shell.RunAsync(server.Repository, "git rev-parse main");
        Assert.Equal(await Shell.RunAsync(project.Path, "git rev-parse HEAD~1"), before);
        await phone.Id("allow-once").ClickAsync(new LocatorClickOptions { Delay = 1500 });
        var head = await Shell.RunAsync(project.Path, "git rev-parse HEAD");
        await Wait.UntilAsync(async () => await Shell.RunAsync(server.Repository, "git rev-parse main") == head, "the server has it");
        await Expect(phone.Id("approval-card")).ToHaveAttributeAsync("data-state", "finished"); // what became of it is read on its card
        await Expect(phone.Id("decision")).ToContainTextAsync("Test phone");
        await phone.PictureAsync("55-pushed");
        await phone.Page.Keyboard.PressAsync("Escape");
        await Expect(phone.Id("consent")).ToHaveCountAsync(0);
        await Expect(phone.Id("ahead")).Not.ToContainTextAsync("no upstream");

        Assert.True((await machine.Control.VerifyLedgerAsync(CancellationToken.None)).Intact);
        Assert.Empty(phone.Complaints);
    }
}
