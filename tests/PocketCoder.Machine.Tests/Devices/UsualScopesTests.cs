using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Devices;

public sealed class UsualScopesTests
{
    [Fact]
    public async Task The_first_device_may_manage_and_later_ones_only_if_the_owner_says_so()
    {
        await using var daemon = await TestDaemon.StartAsync();
        Assert.Equal([Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage], await OfferedAsync(daemon, null));
        var first = await daemon.PairAsync("first");
        Assert.Equal([Scope.View, Scope.Prompt, Scope.Decide], await OfferedAsync(daemon, null));
        Assert.Equal([Scope.View, Scope.Manage], await OfferedAsync(daemon, [Scope.Manage]));

        // A machine whose devices are all revoked is like a new one: nobody could manage it from a phone.
        await daemon.Daemon.AsOwner().RevokeDeviceAsync(first.Hello.DeviceId, CancellationToken.None);
        Assert.Equal([Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage], await OfferedAsync(daemon, null));
        await first.DisposeAsync();
    }

    private static async Task<IReadOnlyList<Scope>> OfferedAsync(TestDaemon daemon, IReadOnlyList<Scope>? asked)
        => (await daemon.Daemon.AsOwner().PairAsync(new PairingRequest(asked, null), CancellationToken.None)).Scopes;
}
