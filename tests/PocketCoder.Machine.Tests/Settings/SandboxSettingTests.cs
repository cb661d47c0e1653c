using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Streams;
using PocketCoder.Machine.Tests.Runs;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Settings;

/// <summary>
/// Whatever takes protection away needs the right, stays above what the owner set, and is a row with the old and the new value.
/// </summary>
public sealed class SandboxSettingTests
{
    private static readonly SandboxKind[] s_kinds = Enum.GetValues<SandboxKind>();

    [Fact]
    public void Of_every_choice_a_device_gets_what_is_no_weaker_than_usual_or_with_the_right_to_manage_than_the_floor()
    {
        var strength = new Dictionary<SandboxKind, int>
        { [SandboxKind.Bubblewrap] = 2, [SandboxKind.Docker] = 2, [SandboxKind.Landlock] = 1, [SandboxKind.None] = 0 };
        foreach (var wanted in s_kinds)
        {
            foreach (var usual in s_kinds)
            {
                foreach (var floor in s_kinds.Cast<SandboxKind?>().Append(null))
                {
                    var bounds = new SandboxBounds(usual, floor);
                    bounds.Require(wanted, null); // the owner
                    foreach (var manages in (bool[])[false, true])
                    {
                        var device = new Device("d", "d", "a", [], [], manages ? [Scope.View, Scope.Prompt, Scope.Manage]
                            : [Scope.View, Scope.Prompt, Scope.Decide], default, null, null);
                        var may = (floor is not { } lowest || strength[wanted] >= strength[lowest])
                            && (manages || strength[wanted] >= strength[usual]);
                        var refused = Record.Exception(() => bounds.Require(wanted, device));
                        Assert.True(may == refused is null, $"{wanted} where {usual} is usual, floor {floor}, manage {manages}");
                        Assert.True(refused is null or RequestFailure { Error.Code: ErrorCode.Unauthorized });

                        // A person in a chat never gets a weaker one.
                        var person = device with { Chat = new ChatPerson("chat", "ou_1", Destructive: true) };
                        var mayPerson = may && strength[wanted] >= strength[usual];
                        Assert.True(
                            mayPerson == Record.Exception(() => bounds.Require(wanted, person)) is null,
                            $"in a chat: {wanted} where {usual} is usual, floor {floor}, manage {manages}");
                    }
                }
            }
        }
    }

    [Fact]
    public async Task A_device_that_prompts_can_t_take_the_sandbox_from_what_others_run()
    {
        await using var daemon = await TestDaemon.StartAsync(sandbox: null);
        await daemon.Daemon.SandboxesKnown;
        await using var prompter = await daemon.PhoneAsync("prompter", Scope.View, Scope.Prompt);
        await using var decider = await daemon.PhoneAsync("decider", Scope.View, Scope.Decide);
        var project = prompter.Project.ProjectId;
        foreach (var kind in (SandboxKind[])[SandboxKind.None, SandboxKind.Landlock])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(
                () => SetAsync(prompter.Device, project, new ProjectDefaults("stub", Sandbox: kind)));
            Assert.Equal(ErrorCode.Unauthorized, refused.Error.Code);
            Assert.Contains("manage", refused.Message, StringComparison.Ordinal);
        }

        Assert.Empty(await ChangesAsync(daemon));
        var runner = new Runner(decider.Device, project);
        var run = (await runner.ExecAsync(runner.Request("true"))).Run;
        Assert.NotEqual(SandboxKind.None, run.Sandbox);
        Assert.NotEqual(SandboxKind.Landlock, run.Sandbox);
    }

    [Fact]
    public async Task A_device_that_manages_may_weaken_a_project_where_the_owner_set_nothing_and_that_is_a_row()
    {
        await using var daemon = await TestDaemon.StartAsync(sandbox: null);
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        await using var prompter = await daemon.PhoneAsync("prompter", Scope.View, Scope.Prompt);
        var project = phone.Project.ProjectId;
        await SetAsync(phone.Device, project, new ProjectDefaults("stub", Sandbox: SandboxKind.None));
        await SetAsync(phone.Device, project, new ProjectDefaults("stub", Sandbox: SandboxKind.None)); // again is no change
        await SetAsync(prompter.Device, project, new ProjectDefaults(Sandbox: SandboxKind.Bubblewrap)); // stronger: prompting is enough
        await Assert.ThrowsAsync<WireErrorException>(
            () => SetAsync(prompter.Device, project, new ProjectDefaults(Sandbox: SandboxKind.None)));
        await SetAsync(prompter.Device, project, new ProjectDefaults());

        var (weaker, stronger, nothing) = Three(await ChangesAsync(daemon));
        Assert.Equal(("project_defaults", "agent=stub sandbox=none", "nothing", "phone", true),
            (weaker.What, weaker.Value, weaker.Old, weaker.By, weaker.Weaker));
        Assert.Equal(("sandbox=bubblewrap", "agent=stub sandbox=none", "prompter", false),
            (stronger.Value, stronger.Old, stronger.By, stronger.Weaker));
        Assert.Equal(("nothing", "sandbox=bubblewrap"), (nothing.Value, nothing.Old));
    }

    [Fact]
    public async Task Taking_away_a_project_s_stronger_sandbox_is_weakening_too()
    {
        await using var daemon = await TestDaemon.StartAsync(); // the machine's is none
        await using var prompter = await daemon.PhoneAsync("prompter", Scope.View, Scope.Prompt);
        var project = prompter.Project.ProjectId;
        await SetAsync(prompter.Device, project, new ProjectDefaults(Sandbox: SandboxKind.Bubblewrap));
        Assert.Equal(ErrorCode.Unauthorized,
            (await Assert.ThrowsAsync<WireErrorException>(() => SetAsync(prompter.Device, project, new ProjectDefaults()))).Error.Code);
        Assert.Equal(ErrorCode.Unauthorized,
            (await Assert.ThrowsAsync<WireErrorException>(() => prompter.StartAsync("hello", SandboxKind.None))).Error.Code);
        Assert.Equal(SandboxKind.Bubblewrap, (await GetAsync(prompter.Device, project)).Sandbox);
    }

    [Fact]
    public async Task Below_what_the_owner_started_with_goes_no_device_and_only_the_owner()
    {
        await using var daemon = await TestDaemon.StartAsync(sandbox: SandboxKind.Bubblewrap);
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        var (owner, project) = (daemon.Daemon.AsOwner(), phone.Project.ProjectId);
        foreach (var kind in (SandboxKind[])[SandboxKind.None, SandboxKind.Landlock])
        {
            Assert.Equal(ErrorCode.Unauthorized, (await Assert.ThrowsAsync<WireErrorException>(
                () => SetAsync(phone.Device, project, new ProjectDefaults(Sandbox: kind)))).Error.Code);
        }

        Assert.Equal(ErrorCode.Unauthorized,
            (await Assert.ThrowsAsync<WireErrorException>(() => phone.StartAsync("hello", SandboxKind.None))).Error.Code);
        Assert.Empty(await ChangesAsync(daemon));
        Assert.Equal(SandboxKind.Bubblewrap, phone.Device.Hello.Machine.SandboxFloor);

        await owner.Sessions.SetDefaultsAsync(project, new ProjectDefaults(Sandbox: SandboxKind.None), CancellationToken.None);
        // the owner's choice stays the owner's
        await SetAsync(phone.Device, project, new ProjectDefaults("stub", Sandbox: SandboxKind.None));
        Assert.Equal(SandboxKind.None, (await GetAsync(phone.Device, project)).Sandbox);
        await SetAsync(phone.Device, project, new ProjectDefaults("stub", Sandbox: SandboxKind.Bubblewrap));
        Assert.Equal(ErrorCode.Unauthorized, (await Assert.ThrowsAsync<WireErrorException>(
            () => SetAsync(phone.Device, project, new ProjectDefaults("stub", Sandbox: SandboxKind.None)))).Error.Code);
        Assert.Equal(["cli", "phone", "phone"], (await ChangesAsync(daemon)).Select(c => c.By));
    }

    [Fact]
    public async Task A_stronger_start_takes_back_what_a_device_weakened_before_and_not_what_the_owner_did()
    {
        await using var daemon = await TestDaemon.StartAsync(sandbox: null);
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        var project = phone.Project.ProjectId;
        await SetAsync(phone.Device, project, new ProjectDefaults(Sandbox: SandboxKind.None));
        await daemon.RestartAsync(o => o with { Sandbox = SandboxKind.Bubblewrap });
        await using (var again = await phone.Device.AgainAsync(daemon.Url))
        {
            Assert.Null((await GetAsync(again, project)).Sandbox);
        }

        await daemon.Daemon.AsOwner().Sessions.SetDefaultsAsync(
            project, new ProjectDefaults(Sandbox: SandboxKind.None), CancellationToken.None);
        await daemon.RestartAsync();
        await using var last = await phone.Device.AgainAsync(daemon.Url);
        Assert.Equal(SandboxKind.None, (await GetAsync(last, project)).Sandbox);
        var start = Assert.Single(await ChangesAsync(daemon), c => c.What == "start");
        Assert.Equal(("Sandbox", "best", "bubblewrap", "cli"), (start.Name, start.Old, start.Value, start.By));
    }

    [Fact]
    public async Task A_session_without_a_sandbox_needs_the_right_also_as_a_fork_and_is_a_row()
    {
        await using var daemon = await TestDaemon.StartAsync(sandbox: null);
        await daemon.Daemon.SandboxesKnown;
        await using var phone = await daemon.PhoneAsync();
        await using var prompter = await daemon.PhoneAsync("prompter", Scope.View, Scope.Prompt);
        foreach (var kind in (SandboxKind[])[SandboxKind.None, SandboxKind.Landlock])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => prompter.StartAsync("hello", kind));
            Assert.True(refused.Error.Code is ErrorCode.Unauthorized
                || (kind == SandboxKind.Landlock && refused.Error.Code == ErrorCode.InvalidRequest), refused.Message);
        }

        Assert.Empty((await prompter.Device.AskAsync(MessageTypes.AgentSessionsList, new AgentSessionsListRequest(),
            ProtocolJson.Default.AgentSessionsListRequest, ProtocolJson.Default.AgentSessionsListResponse)).Sessions);
        var session = await phone.StartAsync("hello", SandboxKind.None);
        await phone.DoneAsync();
        var change = Assert.Single(await ChangesAsync(daemon));
        Assert.Equal(("session_sandbox", session.ToString(), "none", "phone", true),
            (change.What, change.Name, change.Value, change.By, change.Weaker));

        var fork = await Assert.ThrowsAsync<WireErrorException>(() => prompter.Device.AskAsync(
            MessageTypes.AgentSessionFork, new AgentSessionForkRequest(session, Guid.CreateVersion7(), Guid.CreateVersion7(), "go on"),
            ProtocolJson.Default.AgentSessionForkRequest, ProtocolJson.Default.AgentSessionForkResponse));
        Assert.Equal(ErrorCode.Unauthorized, fork.Error.Code);
        await prompter.PromptAsync(session, "and on"); // it is there, allowed, and says so on every screen
    }

    [Fact]
    public async Task Rules_budgets_and_names_leave_their_old_and_new_value()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var owner = daemon.Daemon.AsOwner();
        var project = phone.Project.ProjectId;
        foreach (var policy in (CommandPolicy[])[new(CommandVerdict.Ask, [new CommandRule(CommandVerdict.Deny, "rm *")]),
            new(CommandVerdict.Allow, [])])
        {
            await phone.Device.AskAsync(MessageTypes.CommandPolicySet, new CommandPolicySetRequest(project, policy),
                ProtocolJson.Default.CommandPolicySetRequest, ProtocolJson.Default.CommandPolicySetResponse);
        }

        await owner.SetBudgetAsync(new BudgetSetRequest(BudgetScope.Session, null, BudgetAction.Stop, 5, null), CancellationToken.None);
        await owner.SetBudgetAsync(new BudgetSetRequest(BudgetScope.Session, null, BudgetAction.Ask, 50, null), CancellationToken.None);
        await owner.RemoveBudgetAsync(new BudgetRemoveRequest(BudgetScope.Session, null), CancellationToken.None);
        await owner.SetLabelAsync("workshop", CancellationToken.None);
        await phone.Device.AskAsync(MessageTypes.DeviceRename, new DeviceRenameRequest(phone.Device.Identity.Id, "tablet"),
            ProtocolJson.Default.DeviceRenameRequest, ProtocolJson.Default.DeviceRenameResponse);
        foreach (var word in (string[])["Stop", " stop", "1", "stop,ask"])
        {
            using var asked = JsonDocument.Parse(
                $$"""{"scope":"session","projectId":null,"action":"{{word}}","dollars":5,"tokens":null}""");
            await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.AskRawAsync(MessageTypes.BudgetSet, asked.RootElement));
        }

        var changes = await ChangesAsync(daemon);
        Assert.Equal(["command_rules", "command_rules", "budget", "budget", "budget", "machine_label", "device_name"],
            changes.Select(c => c.What));
        Assert.Equal("otherwise allow", changes[0].Old);
        Assert.Equal(changes[0].Value, changes[1].Old);
        Assert.Null(changes[2].Old);
        Assert.Equal(changes[2].Value, changes[3].Old);
        Assert.Equal((changes[3].Value, null), (changes[4].Old, changes[4].Value));
        Assert.Equal("workshop", changes[5].Value);
        Assert.Equal(("tablet", "phone", "phone"), (changes[6].Value, changes[6].Old, changes[6].By));
    }

    private static (Changed First, Changed Second, Changed Third) Three(IReadOnlyList<Changed> changes)
    {
        Assert.Equal(3, changes.Count);
        return (changes[0], changes[1], changes[2]);
    }

    private static async Task<IReadOnlyList<Changed>> ChangesAsync(TestDaemon daemon)
    {
        var rows = await daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None);
        return
        [
            .. rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)
                .Where(r => r.GetProperty("kind").GetString() == LedgerKind.ConfigurationChanged)
                .Select(r => (Data: r.GetProperty("data"), By: r.GetProperty("actor").GetString()))
                .Select(r => new Changed(Text(r.Data, "what")!, Text(r.Data, "name")!, Text(r.Data, "value"), Text(r.Data, "old"), r.By,
                    r.Data.TryGetProperty("weaker", out var weaker) && weaker.GetBoolean())),
        ];

        static string? Text(JsonElement data, string name) => data.TryGetProperty(name, out var value) ? value.GetString() : null;
    }

    private static async Task<ProjectDefaults> GetAsync(TestDevice device, Guid project) => (await device.AskAsync(
        MessageTypes.ProjectDefaultsGet, new ProjectDefaultsGetRequest(project), ProtocolJson.Default.ProjectDefaultsGetRequest,
        ProtocolJson.Default.ProjectDefaultsGetResponse)).Defaults;

    private static async Task<ProjectDefaults> SetAsync(TestDevice device, Guid project, ProjectDefaults defaults)
        => (await device.AskAsync(
        MessageTypes.ProjectDefaultsSet, new ProjectDefaultsSetRequest(project, defaults), ProtocolJson.Default.ProjectDefaultsSetRequest,
        ProtocolJson.Default.ProjectDefaultsSetResponse)).Defaults;

    private sealed record Changed(string What, string Name, string? Value, string? Old, string? By, bool Weaker);
}
