using Microsoft.Playwright;
using PocketCoder.Agents.Claude;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.ScriptedModel;
using static Microsoft.Playwright.Assertions;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>The real Claude Code, prompted and decided on in a real browser of a phone's size.</summary>
[Trait("Category", "Slow")]
public sealed class ClaudeInTheAppTests(Browser browser) : IClassFixture<Browser>
{
    private const string Greeting = "greet.py";
    private const string Ask = "The greeting test fails. Find out why and fix it.";

    // Each line is what the scripted model says or does next (see Script).
    private const string Answer = """
        THINK: The test wants a capital letter. I should run it first to see what it says, then change the one line.
        SAY: I'll run the test first.
        TODO: Run the test | Fix greet.py | Run it again
        BASH: python3 -c "import greet; assert greet.hello('ada') == 'Hello, Ada!'" || echo "test failed" >&2
        SAY: It fails as you said: **`hello`** keeps the name as it is given.
        READ: greet.py
        EDIT: greet.py | return f"Hello, {name}!" | return f"Hello, {name.capitalize()}!"
        BASH: python3 -c "import greet; assert greet.hello('ada') == 'Hello, Ada!'" && echo passed
        SAY: Fixed.\n\n```python\ndef hello(name):\n    return f"Hello, {name.capitalize()}!"\n```\n\nThe test passes now.
        """;

    [Fact]
    public async Task Claude_fixes_a_test_with_each_step_allowed_on_the_phone()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        model.Scripts[Ask] = Answer;
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await File.WriteAllTextAsync(home.InProject(Greeting), "def hello(name):\n    return f\"Hello, {name}!\"\n");
        await using var machine = await RunningMachine.StartAsync([new ClaudeDriver(TimeProvider.System, home.Environment)]);
        await machine.Control.AddProjectAsync(home.Project, "greetings", TestContext.Current.CancellationToken);
        await using var phone = await browser.PhoneAsync();
        await AppStoryTests.PairAsync(machine, phone);

        await AppStoryTests.NewSessionAsync(phone, Ask);
        await ExpectCardAsync(phone, "import greet");
        await phone.PictureAsync("20-claude-command");
        await phone.Id("allow-once").Last.ClickAsync();

        await ExpectCardAsync(phone, "name.capitalize()");
        Assert.DoesNotContain("capitalize", await File.ReadAllTextAsync(home.InProject(Greeting)), StringComparison.Ordinal);
        await phone.PictureAsync("21-claude-edit");
        await phone.Id("allow-once").Last.ClickAsync();

        await ExpectCardAsync(phone, "echo passed");
        Assert.Contains("name.capitalize()", await File.ReadAllTextAsync(home.InProject(Greeting)), StringComparison.Ordinal);
        await phone.Id("allow-more").Last.ClickAsync();
        await Expect(phone.Id("allow-session")).ToBeVisibleAsync();
        await phone.PictureAsync("22-claude-allow-more");
        await phone.Id("allow-session").ClickAsync();

        await Expect(phone.Page.GetByText("The test passes now.").Last).ToBeVisibleAsync();
        await phone.PictureAsync("23-claude-done");
        Assert.Empty(model.Unexpected);

        // The same command again needs no question: it was allowed for the session, and the ledger says so.
        model.Scripts["Run the test once more."] = Answer.Split('\n')[^2];
        await AppStoryTests.SendAsync(phone, "Run the test once more.");
        await Wait.UntilAsync(async () => (await machine.Control.ListSessionsAsync(CancellationToken.None))[0].State == SessionState.Idle,
            "the turn ended");
        Assert.True((await machine.Control.VerifyLedgerAsync(CancellationToken.None)).Intact);
        Assert.Empty(phone.Complaints);
    }

    [Fact]
    public async Task Claude_asks_plans_and_is_stopped_on_the_phone()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var machine = await RunningMachine.StartAsync([new ClaudeDriver(TimeProvider.System, home.Environment)]);
        await machine.Control.AddProjectAsync(home.Project, "api", TestContext.Current.CancellationToken);
        await using var phone = await browser.PhoneAsync();
        await AppStoryTests.PairAsync(machine, phone);

        await AppStoryTests.NewSessionAsync(phone, "PLAN: ## The plan\\n1. Add the *table*\\n2. Write the migration", mode: "plan");
        await Expect(phone.Id("plan-accept").Last).ToBeVisibleAsync();
        await phone.PictureAsync("25-claude-plan");
        await phone.Id("plan-accept").Last.ClickAsync();
        await UntilIdleAsync(machine);

        await AppStoryTests.SendAsync(phone, "ASK: Which database? | PostgreSQL | SQLite");
        await phone.Id("question-option").Filter(new LocatorFilterOptions { HasText = "SQLite" }).ClickAsync();
        await phone.PictureAsync("24-claude-question");
        await phone.Id("question-submit").ClickAsync();
        await Expect(phone.Page.GetByText("SQLite").Last).ToBeVisibleAsync();
        await UntilIdleAsync(machine);

        // Stop: the command that runs is ended, not only forgotten.
        var seconds = Random.Shared.Next(1_000_000, 9_999_999); // by which it is found: in its sandbox it has another number than here
        await AppStoryTests.SendAsync(phone, $"BASH: exec sleep {seconds}");
        await ExpectCardAsync(phone, $"sleep {seconds}");
        await phone.Id("allow-once").Last.ClickAsync();
        await Wait.UntilAsync(() => Runs($"sleep\0{seconds}\0"), "the command runs");
        await phone.Id("stop").ClickAsync();
        await Wait.UntilAsync(() => !Runs($"sleep\0{seconds}\0"), "the command ended");
        await UntilIdleAsync(machine);
        await phone.PictureAsync("26-claude-stopped");
        Assert.Empty(phone.Complaints);
    }

    [Fact]
    public async Task Claude_works_in_a_sandbox_with_its_own_shell_off()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
        await using var machine = await RunningMachine.StartAsync([new ClaudeDriver(TimeProvider.System, home.Environment)]);
        await machine.Control.AddProjectAsync(home.Project, "api", TestContext.Current.CancellationToken);
        await machine.Daemon.SandboxesKnown;
        await using var phone = await browser.PhoneAsync();
        await AppStoryTests.PairAsync(machine, phone);

        await AppStoryTests.NewSessionAsync(
            phone, "BASH: echo working; until [ -e go ]; do sleep 0.1; done; id -un; exit 3", sandbox: "bubblewrap");
        await ExpectCardAsync(phone, "until [ -e go ]");
        await Expect(phone.Page.GetByText("sandboxed").First).ToBeVisibleAsync();
        await phone.PictureAsync("30-sandbox-asks");
        await phone.Id("allow-once").Last.ClickAsync();
        await Expect(phone.Id("live-output")).ToContainTextAsync("working");
        await phone.PictureAsync("31-sandbox-live");
        await File.WriteAllTextAsync(home.InProject("go"), "", TestContext.Current.CancellationToken);
        await Expect(phone.Page.GetByText("exit code 3").First).ToBeVisibleAsync();
        await UntilIdleAsync(machine);
        await phone.PictureAsync("32-sandbox-done");
        Assert.True((await machine.Control.VerifyLedgerAsync(CancellationToken.None)).Intact);
        Assert.Empty(phone.Complaints);
    }

    private static Task UntilIdleAsync(RunningMachine machine)
        => Wait.UntilAsync(async () => (await machine.Control.ListSessionsAsync(CancellationToken.None))[0].State == SessionState.Idle,
            "the turn ended");

    private static Task ExpectCardAsync(BrowserPhone phone, string text)
        => Expect(phone.Id("approval-card").Filter(new LocatorFilterOptions { Has = phone.Id("allow-once") }).Last)
            .ToContainTextAsync(text);

    private static bool Runs(string commandLine) => Directory.EnumerateDirectories("/proc").Any(process =>
    {
        try
        {
            return int.TryParse(Path.GetFileName(process), out _) && File.ReadAllText(Path.Combine(process, "cmdline")) == commandLine;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // it ended meanwhile, or is none of ours
        }
    });
}
