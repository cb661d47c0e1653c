using System.Net;
using System.Net.Sockets;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>What a daemon that is killed with SIGKILL leaves of a clone.</summary>
[Trait("Category", "Slow")]
public sealed class CloneKillTests
{
    [Fact]
    public async Task A_clone_that_ran_is_taken_away_by_the_next_start_and_told_as_failed()
    {
        var root = Directory.CreateTempSubdirectory("pcclone-");
        using var silent = new TcpListener(IPAddress.Loopback, 0); // takes ssh's connection, and never says a word
        silent.Start();
        await using var machine = await CrashMachine.StartAsync();
        var id = Guid.CreateVersion7();
        TestDevice tablet;
        using (var control = new ControlClient(machine.Home))
        {
            await control.AddRootAsync(root.FullName, CancellationToken.None);
            var offer = await control.PairAsync(new PairingRequest([Scope.View, Scope.Manage], null), CancellationToken.None);
            tablet = await TestDevice.PairAsync(offer.Links[0], "tablet");
        }

        await tablet.AskAsync(
            MessageTypes.ProjectClone,
            new ProjectCloneRequest(id, root.FullName, "shop", $"ssh://ada@127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}/shop.git"),
            ProtocolJson.Default.ProjectCloneRequest,
            ProtocolJson.Default.ProjectCloneResponse);
        using var asked = await silent.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Wait.Limit);
        await machine.KillAsync();
        await tablet.DisposeAsync();
        Assert.StartsWith(".pocketcoder-clone-", Assert.Single(There()), StringComparison.Ordinal);

        await machine.StartDaemonAsync();
        await Wait.UntilAsync(() => There().Length == 0, "it is taken away");
        using (var control = new ControlClient(machine.Home))
        {
            Assert.DoesNotContain(
                await control.ListProjectsAsync(CancellationToken.None), p => p.Path.StartsWith(root.FullName, StringComparison.Ordinal));
            var offer = await control.PairAsync(new PairingRequest([Scope.View, Scope.Manage], null), CancellationToken.None);
            await using var later = await TestDevice.PairAsync(offer.Links[0], "later");
            var ended = (await later.AskAsync(
                MessageTypes.ProjectCloneGet, new ProjectCloneGetRequest(id), ProtocolJson.Default.ProjectCloneGetRequest,
                ProtocolJson.Default.ProjectCloneGetResponse)).Cloning!;
            Assert.Equal((CloneState.Failed, ErrorCode.Unavailable), (ended.State, ended.Error!.Code));
        }

        root.Delete();

        string[] There() => [.. Directory.EnumerateFileSystemEntries(root.FullName).Select(p => Path.GetFileName(p)!)];
    }
}
