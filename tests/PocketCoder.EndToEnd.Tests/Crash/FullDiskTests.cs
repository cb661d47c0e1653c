using PocketCoder.Machine;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>
/// A home on a small disk of its own: what cannot be recorded is refused with the reason, and goes on when there is room.
/// </summary>
[Trait("Category", "Slow")]
public sealed class FullDiskTests
{
    [Fact]
    public async Task On_a_full_disk_the_daemon_refuses_and_says_why_and_goes_on_when_there_is_room()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var machine = await CrashMachine.StartAsync(disk.Folder);
        var session = await machine.SessionAsync("run: echo late >> runs.log");
        var asked = await machine.AskedAsync();
        var decision = machine.Device.Decision(asked, DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7());
        var decide = new Errand(ErrandKind.Decide, decision.DecisionId, session, Approval: asked, Decision: decision);

        disk.Fill();
        var accepted = new List<Guid>();
        WireErrorException? refused = null;
        for (var i = 0; i < Limits.QueuedPrompts && refused is null; i++)
        {
            // The log may have room in itself for a while.
            var prompt = Guid.CreateVersion7();
            refused = await RefusalAsync(machine.PromptAsync(session, new string('x', 200_000), prompt));
            if (refused is null)
            {
                accepted.Add(prompt);
            }
        }

        Assert.Equal(ErrorCode.Unavailable, refused?.Error.Code);
        Assert.Contains("disk is full", refused!.Error.Message, StringComparison.Ordinal);
        await machine.VerifyAsync();
        Assert.Empty(machine.Ran);

        disk.MakeRoom();
        // the same prompt again, or a new one: both are taken now
        await machine.PromptAsync(session, "after it", accepted.Count > 0 ? accepted[0] : Guid.CreateVersion7());
        await decide.SendAsync(machine.Device, machine.Project, "stub");
        await machine.RanAsync("late");
        await machine.Device.NextEventAsync<DoneEvent>(d => d.Outcome == TurnState.Completed);
        var turns = (await machine.GetAsync(session)).Turns;
        Assert.All(accepted, id => Assert.Single(turns, t => t.TurnId == id));
        await machine.VerifyAsync();
    }

    [Fact]
    public async Task A_result_that_finds_the_disk_full_is_recorded_when_there_is_room()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var machine = await CrashMachine.StartAsync(disk.Folder);

        // The log's own spare room is used up by the output, which is part of the result.
        var session = await machine.SessionAsync(
            "run: head -c 100M /dev/zero > ../ballast 2> /dev/null; echo ran; head -c 900000 /dev/zero | tr '\\0' y\nrun: echo next >> runs.log");
        var asked = await machine.AskedAsync();
        await machine.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await Wait.UntilAsync(() => machine.Daemon.Log.Contains("can't be recorded", StringComparison.Ordinal), "the daemon to notice");
        Assert.DoesNotContain("execution_finished", await machine.LedgerAsync(asked.ApprovalId));

        disk.MakeRoom();
        var result = await machine.Device.NextEventAsync<ToolResultEvent>();
        Assert.StartsWith("ran", result.Output, StringComparison.Ordinal);
        await machine.Device.DecideAsync(await machine.AskedAsync(), DecisionVerdict.Allow);
        Assert.Equal(TurnState.Completed, (await machine.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Equal(["approval_requested", "approval_decided", "execution_started", "execution_finished"],
            await machine.LedgerAsync(asked.ApprovalId));
        Assert.Equal(["next"], machine.Ran);
        Assert.Single((await machine.GetAsync(session)).Turns);
        await machine.VerifyAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8 << 10)]
    [InlineData(64 << 10)]
    public async Task A_start_on_a_full_disk_says_what_to_do(int left)
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var machine = await CrashMachine.StartAsync(disk.Folder);
        await machine.KillAsync();
        disk.Fill(left);
        var refusal = await Record.ExceptionAsync(machine.StartDaemonAsync);
        if (left == 0)
        {
            Assert.IsType<InvalidOperationException>(refusal); // with a little room it may get by
        }

        if (refusal is not null)
        {
            Assert.Contains("The disk is full", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("Free at least", refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("No space left on device", refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", refusal.Message, StringComparison.Ordinal);
        }

        await machine.KillAsync();
        disk.MakeRoom();
        await machine.StartDaemonAsync();
        await machine.ConnectAsync();
        await machine.VerifyAsync();
    }

    [Fact]
    public async Task On_a_disk_that_cannot_be_written_the_daemon_does_not_start_and_says_why()
    {
        await using var disk = await SmallDisk.MountAsync();
        await using var machine = await CrashMachine.StartAsync(disk.Folder);
        await machine.KillAsync();
        await disk.ReadOnlyAsync(true);
        var refusal = await Record.ExceptionAsync(machine.StartDaemonAsync);
        await disk.ReadOnlyAsync(false);
        Assert.IsType<InvalidOperationException>(refusal);
        Assert.Contains("is on a file system that can only be read", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", refusal.Message, StringComparison.Ordinal);

        await machine.StartDaemonAsync();
        await machine.ConnectAsync();
        await machine.VerifyAsync();
    }

    [Fact]
    public async Task A_database_that_may_not_be_written_is_refused_and_left_as_it_is()
    {
        await using var machine = await CrashMachine.StartAsync();
        await machine.KillAsync();
        Assert.SkipUnless(await DaemonProcess.SystemAsync("mount", "--bind", machine.Home.Database, machine.Home.Database),
            "this user cannot make one file read-only for itself");
        try
        {
            Assert.True(await DaemonProcess.SystemAsync("mount", "-o", "remount,bind,ro", machine.Home.Database));
            var refusal = await Assert.ThrowsAsync<InvalidOperationException>(machine.StartDaemonAsync);
            Assert.Contains(machine.Home.Database, refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", refusal.Message, StringComparison.Ordinal);
        }
        finally
        {
            Assert.True(await DaemonProcess.SystemAsync("umount", machine.Home.Database));
        }

        await machine.StartDaemonAsync();
        await machine.VerifyAsync();
    }

    private static async Task<WireErrorException?> RefusalAsync(Task ask)
    {
        try
        {
            await ask;
            return null;
        }
        catch (WireErrorException e)
        {
            return e;
        }
    }

    /// <summary>A file system of 24 MB in memory; tests that need one are skipped where it can't be mounted.</summary>
    private sealed class SmallDisk : IAsyncDisposable
    {
        private SmallDisk(string folder) => Folder = folder;

        public string Folder { get; }

        private string Ballast => Path.Combine(Folder, "ballast");

        public static async Task<SmallDisk> MountAsync()
        {
            var folder = Directory.CreateTempSubdirectory("pccrash-").FullName;
            Assert.SkipUnless(await DaemonProcess.SystemAsync("mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", folder),
                "this user cannot mount a small disk");
            return new SmallDisk(folder);
        }

        /// <param name="left">Bytes that stay free.</param>
        public void Fill(int left)
        {
            Fill();
            using var file = new FileStream(Ballast, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0);
            file.SetLength(file.Length - left);
        }

        public void Fill()
        {
            using var file = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            var block = new byte[4096];
            for (var i = 0; i < 24 * 256; i++)
            {
                try
                {
                    file.Write(block);
                }
                catch (IOException)
                {
                    return;
                }
            }

            Assert.Fail("the ballast did not fill the disk");
        }

        public void MakeRoom() => File.Delete(Ballast);

        public async Task ReadOnlyAsync(bool on)
            => Assert.True(await DaemonProcess.SystemAsync("mount", "-o", $"remount,{(on ? "ro" : "rw")}", Folder));

        public async ValueTask DisposeAsync()
        {
            Assert.True(await DaemonProcess.SystemAsync("umount", Folder));
            Directory.Delete(Folder);
        }
    }
}
