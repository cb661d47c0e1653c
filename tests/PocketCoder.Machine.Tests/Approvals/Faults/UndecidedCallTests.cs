using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Approvals.Faults;

/// <summary>
/// Several calls at once of which none, then one is decided: what the session says runs is what has a row that says so. In the app:
/// <c>tool-state.test.ts</c>.
/// </summary>
public sealed class UndecidedCallTests
{
    [Fact]
    public async Task Calls_that_are_not_decided_are_not_told_as_running_and_the_one_that_runs_is()
    {
        var driver = new CarelessDriver(Manner.Honest, "file.txt") { Announced = 3 };
        await using var daemon = await TestDaemon.StartAsync(drivers: [driver], more: options => options with { Demo = true });
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf("file.txt"), "before\n");
        var session = await phone.StartAsync("several at once");
        await phone.Device.NextEventAsync<ToolUseEvent>(e => e.Title == "npm run 2");
        await ActivityAsync("called bash: npm run 2");

        driver.AskNow.SetResult();
        var asked = await phone.AskedAsync();
        await ActivityAsync("waiting for you");

        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await phone.BecameAsync(ApprovalState.Running);
        await ActivityAsync($"edit: {phone.PathOf("file.txt")}");

        driver.EndNow.SetResult();
        await phone.DoneAsync();

        Task ActivityAsync(string activity)
            => Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.Activity == activity, activity);
    }
}
