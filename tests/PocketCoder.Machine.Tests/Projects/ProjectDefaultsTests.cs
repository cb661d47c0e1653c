using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Stub;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Projects;

public sealed class ProjectDefaultsTests
{
    [Fact]
    public async Task What_is_set_outlives_a_restart_and_is_what_the_command_line_begins_with_unless_it_says_otherwise()
    {
        var nothing = new Dictionary<string, string>(StringComparer.Ordinal);
        await using var daemon = await TestDaemon.StartAsync(
            drivers: [new StubDriver(TimeProvider.System), new ClaudeDriver(TimeProvider.System, nothing)]);
        var folder = Directory.CreateDirectory(
            Path.Combine(daemon.Options.Home.Root, "..", Path.GetFileName(daemon.Options.Home.Root) + "-p")).FullName;
        await daemon.Daemon.AsOwner().AddProjectAsync(folder, "p", CancellationToken.None);
        await using var phone = await daemon.PhoneAsync();
        var project = phone.Project.ProjectId;
        Assert.Equal(new ProjectDefaults(), await GetAsync(phone.Device, project));
        var set = new ProjectDefaults("claude", "plan", "opus", Sandbox: SandboxKind.None);
        Assert.Equal(set, await SetAsync(phone.Device, project, set));

        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        Assert.Equal(set, await GetAsync(again, project));

        var begun = await RunAsync(daemon, project, null, null);
        Assert.Equal(("claude", "plan", "opus", SandboxKind.None), (begun.Agent, begun.Mode, begun.Model, begun.Sandbox));
        Assert.Equal("default", (await RunAsync(daemon, project, "claude", "default")).Mode);
        var other = await RunAsync(daemon, project, "stub", null); // not with a mode that is another agent's
        Assert.Equal(("stub", null, null), (other.Agent, other.Mode, other.Model));
        Assert.Equal(new ProjectDefaults(), await SetAsync(again, project, new ProjectDefaults()));
        Directory.Delete(folder);
    }

    [Fact]
    public async Task What_no_session_could_begin_with_is_refused()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        foreach (var wrong in (ProjectDefaults[])
        [
            new("nobody"), new(Mode: "default"), new(Model: "m"), new(Effort: "high"), new("stub", "no-such-mode"),
            new("stub", Effort: "no-such-effort"), new("stub", Model: "a\nb"),
        ])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => SetAsync(phone.Device, phone.Project.ProjectId, wrong));
            Assert.True(refused.Error.Code == ErrorCode.InvalidRequest, wrong.ToString());
        }

        Assert.Equal(ErrorCode.ProjectNotFound,
            (await Assert.ThrowsAsync<WireErrorException>(() => GetAsync(phone.Device, Guid.CreateVersion7()))).Error.Code);
        Assert.Equal(new ProjectDefaults(), await GetAsync(phone.Device, phone.Project.ProjectId));
    }

    [Fact]
    public async Task No_device_is_called_as_the_command_line_is()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var owner = daemon.Daemon.AsOwner();
        var offer = await Assert.ThrowsAsync<ControlException>(
            () => owner.PairAsync(new PairingRequest([Scope.View], "Cli"), CancellationToken.None));
        Assert.Equal(ErrorCode.InvalidRequest, offer.Code);
        await Assert.ThrowsAnyAsync<Exception>(() => daemon.PairAsync("cli"));
        Assert.DoesNotContain(await owner.ListDevicesAsync(CancellationToken.None),
            d => d.Name.Equals("cli", StringComparison.OrdinalIgnoreCase));

        await using var phone = await daemon.PairAsync("phone");
        Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<ControlException>(
            () => owner.RenameDeviceAsync(phone.Identity.Id, "CLI", CancellationToken.None))).Code);
        var renamed = await Assert.ThrowsAsync<WireErrorException>(() => phone.AskAsync(
            MessageTypes.DeviceRename, new DeviceRenameRequest(phone.Identity.Id, " cli "), ProtocolJson.Default.DeviceRenameRequest,
            ProtocolJson.Default.DeviceRenameResponse));
        Assert.Equal(ErrorCode.InvalidRequest, renamed.Error.Code);
    }

    private static async Task<ProjectDefaults> GetAsync(TestDevice device, Guid project) => (await device.AskAsync(
        MessageTypes.ProjectDefaultsGet, new ProjectDefaultsGetRequest(project), ProtocolJson.Default.ProjectDefaultsGetRequest,
        ProtocolJson.Default.ProjectDefaultsGetResponse)).Defaults;

    private static async Task<ProjectDefaults> SetAsync(TestDevice device, Guid project, ProjectDefaults defaults)
        => (await device.AskAsync(
        MessageTypes.ProjectDefaultsSet, new ProjectDefaultsSetRequest(project, defaults), ProtocolJson.Default.ProjectDefaultsSetRequest,
        ProtocolJson.Default.ProjectDefaultsSetResponse)).Defaults;

    private static async Task<SessionInfo> RunAsync(TestDaemon daemon, Guid project, string? agent, string? mode)
        => (await daemon.Daemon.AsOwner().Sessions.StartAsync(new SessionStartRequest(
            Guid.CreateVersion7(), Guid.CreateVersion7(), "", agent, "hello", mode, null, null), project, CancellationToken.None)).Session;
}
