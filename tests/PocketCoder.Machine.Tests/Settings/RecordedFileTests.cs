using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Settings;

/// <summary>What is kept in a file of the home and is a row in the ledger: both change, or neither.</summary>
public sealed class RecordedFileTests
{
    private bool _fails;

    [Fact]
    public async Task The_label_stays_when_its_row_can_not_be_written()
    {
        await using var daemon = await StartAsync();
        var owner = daemon.Daemon.AsOwner();
        await owner.SetLabelAsync("before", CancellationToken.None);
        var rows = await RowsAsync(daemon);
        _fails = true;
        await Assert.ThrowsAsync<ControlException>(() => owner.SetLabelAsync("after", CancellationToken.None));
        _fails = false;
        Assert.Equal("before\n", await File.ReadAllTextAsync(daemon.Options.Home.MachineLabel));
        Assert.Equal(rows, await RowsAsync(daemon));
        await owner.SetLabelAsync("after", CancellationToken.None);
        Assert.Equal(rows + 1, await RowsAsync(daemon));
    }

    [Fact]
    public async Task A_label_that_was_never_set_is_in_no_file_when_its_row_can_not_be_written()
    {
        await using var daemon = await StartAsync();
        _fails = true;
        await Assert.ThrowsAsync<ControlException>(() => daemon.Daemon.AsOwner().SetLabelAsync("after", CancellationToken.None));
        _fails = false;
        Assert.False(File.Exists(daemon.Options.Home.MachineLabel));
    }

    [Fact]
    public async Task A_label_that_can_not_be_put_back_is_told_in_the_log()
    {
        string? label = null;
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with
        {
            Seam = step =>
            {
                if (step == "commit" && label is not null && File.Exists(label))
                {
                    // What can't be replaced by a file.
                    File.Delete(label);
                    Directory.CreateDirectory(Path.Combine(label, "full"));
                    throw new InvalidOperationException("as if the disk were full");
                }
            },
        });
        label = daemon.Options.Home.MachineLabel;
        var failure = await Assert.ThrowsAsync<ControlException>(
            () => daemon.Daemon.AsOwner().SetLabelAsync("after", CancellationToken.None));
        Assert.Equal(ErrorCode.UnknownError, failure.Code);
        var line = Assert.Single(daemon.Log.Lines, l => l.Contains("can't be undone", StringComparison.Ordinal));
        Assert.Contains(nameof(IOException), line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Secrets_stay_when_their_row_can_not_be_written()
    {
        await using var daemon = await StartAsync();
        var owner = daemon.Daemon.AsOwner();
        await owner.SetSecretAsync("mine", "a value of before", CancellationToken.None);
        var (rows, set) = (await RowsAsync(daemon), (await owner.ListSecretsAsync(CancellationToken.None)).Single().SetAt);
        _fails = true;
        await Assert.ThrowsAsync<ControlException>(() => owner.SetSecretAsync("mine", "a value of after", CancellationToken.None));
        await Assert.ThrowsAsync<ControlException>(() => owner.SetSecretAsync("another", "a value of another", CancellationToken.None));
        await Assert.ThrowsAsync<ControlException>(() => owner.RemoveSecretAsync("mine", CancellationToken.None));
        _fails = false;
        Assert.Equal(set, (await owner.ListSecretsAsync(CancellationToken.None)).Single(s => s.Name == "mine").SetAt);
        Assert.Equal(rows, await RowsAsync(daemon));
        Assert.True(await owner.RemoveSecretAsync("mine", CancellationToken.None));
        Assert.Empty(await owner.ListSecretsAsync(CancellationToken.None));
    }

    private Task<TestDaemon> StartAsync() => TestDaemon.StartAsync(
        seams: s => s with
        {
            Seam = step => _ = _fails && step == "commit" ? throw new InvalidOperationException("as if the disk were full") : 0,
        });

    private static async Task<int> RowsAsync(TestDaemon daemon)
        => (await daemon.Daemon.AsOwner().ListLedgerAsync(new LedgerListRequest(Limit: 200), CancellationToken.None)).Rows
            .Count(r => r.Body.Contains("\"machine_label\"", StringComparison.Ordinal)
                || r.Body.Contains("\"secret\"", StringComparison.Ordinal));
}
