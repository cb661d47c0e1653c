using System.Text.Json;
using PocketCoder.Machine.Tests.Runs;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Guard;

/// <summary>The same plant as in <see cref="PlantedTests"/>, by each other way in which commands run in a project.</summary>
public sealed class OtherWaysTests
{
    private static readonly Planting s_planting = Planting.All[0];

    [Fact]
    public async Task What_a_one_shot_command_plants_is_gone_before_its_end_is_told()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await PlantableAsync(phone);
        var runner = new Runner(phone.Device, phone.Project.ProjectId);
        await runner.RunAsync(runner.Request("sh work.sh"));
        await NothingRanAsync(phone, owner);
    }

    [Fact]
    public async Task What_a_job_plants_is_taken_away_while_it_runs_and_the_job_is_ended()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await PlantableAsync(phone, "while :; do sleep 0.1; done\n");
        await phone.StartAsync(
            "tool: bash " + JsonSerializer.Serialize(new Dictionary<string, object?>(StringComparer.Ordinal)
            { ["command"] = "sh work.sh", ["run_in_background"] = true }), SandboxKind.Bubblewrap);
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(async () => (await phone.LedgerAsync(asked.ApprovalId)).Contains(
            "execution_finished", StringComparer.Ordinal), "the job's end");
        await NothingRanAsync(phone, owner);
    }

    [Fact]
    public async Task What_is_planted_from_a_terminal_is_taken_away()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var owner = await PlantableAsync(phone);
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");
        await view.TypeAsync("sh work.sh; echo all-''done\r");
        await view.UntilAsync("all-done");
        await Wait.UntilAsync(() => !File.Exists(phone.PathOf(".git/commondir")), "the plant is gone");
        await view.CloseAsync();
        await NothingRanAsync(phone, owner);
    }

    private static async Task<Owner> PlantableAsync(Phone phone, string more = "")
    {
        var owner = await Owner.CreateAsync(phone.Project.Path);
        await File.WriteAllTextAsync(phone.PathOf("work.sh"), $"EVIL='{owner.Evil}'\n{s_planting.Plant}\n{more}");
        _ = owner.Ran;
        return owner;
    }

    private static async Task NothingRanAsync(Phone phone, Owner owner)
    {
        Assert.False(File.Exists(phone.PathOf(".git/commondir")));
        var said = await owner.LookAsync(s_planting);
        Assert.False(owner.Ran, said);
        await Wait.UntilAsync(
            async () => (await phone.Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 20),
                ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse))
                .Rows.Any(r => r.Body.Contains("\"alarm_raised\"", StringComparison.Ordinal)),
            "the alarm");
    }
}
