using PocketCoder.Agents.Stub;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Machine.Tests.Approvals.Faults;

/// <summary>
/// The daemon dies between a decision and the beginning of what it allowed: the home as it was in that moment, started again.
/// </summary>
public sealed class CrashedApprovalTests
{
    [Fact]
    public async Task What_was_allowed_and_did_not_begin_is_told_as_not_done_and_not_as_expired()
    {
        var copy = Directory.CreateTempSubdirectory("pc-").FullName;
        var copied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Func<string>? home = null;
        await using var daemon = await TestDaemon.StartAsync(drivers: [new StubDriver(TimeProvider.System)], more: options =>
        {
            home = () => options.Home.Root;
            return options with { Demo = true };
        }, seams: s => s with { Seam = At });
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: touch begun.txt");
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        await copied.Task.WaitAsync(PocketCoder.Testing.Wait.Limit);

        await using var again = await TestDaemon.StartAsync(
            home: copy, drivers: [new StubDriver(TimeProvider.System)], more: options => options with { Demo = true });
        await using var other = await again.PhoneAsync("other");
        var approvals = (await other.Device.AskAsync(
            MessageTypes.ApprovalsList, new ApprovalsListRequest(Pending: false), ProtocolJson.Default.ApprovalsListRequest,
            ProtocolJson.Default.ApprovalsListResponse)).Approvals;

        var found = Assert.Single(approvals, a => a.ApprovalId == asked.ApprovalId);
        Assert.Equal((ApprovalState.Withdrawn, DecisionVerdict.Allow, "the machine restarted before it began"),
            (found.State, found.Decision?.Verdict, found.NotDone));
        Assert.Null(found.Execution);
        Assert.Equal(["approval_requested", "approval_decided", "execution_refused"], await other.LedgerAsync(asked.ApprovalId));

        void At(string step)
        {
            if (step == "answer" && !copied.Task.IsCompleted)
            {
                Copy(home!(), copy); // decided, and nothing begun
                copied.TrySetResult();
            }
        }
    }

    private static void Copy(string from, string to)
    {
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(folder.Replace(from, to, StringComparison.Ordinal), File.GetUnixFileMode(folder));
            }
        }

        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories)
            .Where(f => new FileInfo(f).LinkTarget is null && Path.GetExtension(f) is not (".lock" or ".sock")))
        {
            try
            {
                File.Copy(file, file.Replace(from, to, StringComparison.Ordinal), overwrite: true);
            }
            catch (FileNotFoundException)
            {
                // it went while we looked
            }
        }
    }
}
