using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Status;

public sealed class StatusTests
{
    [Fact]
    public async Task A_device_that_may_only_look_sees_how_the_machine_is_doing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var owner = await daemon.PhoneAsync();
        await using var guest = await daemon.PairAsync("guest", Scope.View);
        var status = await guest.AskAsync(MessageTypes.MachineStatus, new MachineStatusRequest(), ProtocolJson.Default.MachineStatusRequest,
            ProtocolJson.Default.MachineStatusResponse);
        Assert.Equal((Environment.ProcessId, 2, 2, 0), (status.Pid, status.DevicesConnected, status.DevicesPaired, status.SessionsWorking));
        Assert.True(status.StartedAt <= status.Now);
        Assert.Contains(daemon.Url, status.Listen);
        Assert.True(status.DaemonBytes > 0 && status.DiskFree <= status.DiskTotal && status.MemoryAvailable is null or > 0);
        Assert.NotEmpty(status.Machine.Warnings); // no sandbox in this test

        var logs = await owner.Device.AskAsync(MessageTypes.MachineLogs, new MachineLogsRequest(), ProtocolJson.Default.MachineLogsRequest,
            ProtocolJson.Default.MachineLogsResponse);
        Assert.Empty(logs.Lines); // this daemon logs elsewhere
    }
}
