using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger.Tests;

public sealed class MigrationTests
{
    private static readonly MigrationSet s_one = Set("feature", "one");
    private static readonly MigrationSet s_two = Set("feature", "two");

    [Fact]
    public async Task New_numbers_are_applied_after_a_copy_of_what_was_there()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MigrationSets = [s_one] });
        await ledger.Store.WriteAsync(t => t.Execute("INSERT INTO things (name) VALUES ('kept')"), TestLedger.None);
        Assert.Empty(Copies(ledger));
        ledger.Options = ledger.Options with { MigrationSets = [s_two] };
        await ledger.ReopenAsync();
        Assert.Equal("kept:1", await ledger.Store.ReadAsync(
            r => r.QueryFirst("SELECT name || ':' || count FROM things", x => x.GetString(0)), TestLedger.None));
        var copy = Assert.Single(Copies(ledger));
        Assert.EndsWith(".before-update-20260304T050607089Z", copy, StringComparison.Ordinal);
        Assert.True((await LedgerStore.VerifyFileAsync(copy, [], TestLedger.None)).Ok);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));
        }

        await ledger.ReopenAsync();
        Assert.Single(Copies(ledger));
    }

    [Fact]
    public async Task Only_the_newest_three_copies_are_kept()
    {
        await using var ledger = await TestLedger.OpenAsync();
        for (var i = 0; i < 5; i++)
        {
            ledger.Clock.Now += TimeSpan.FromHours(1);
            ledger.Options = ledger.Options with { MigrationSets = [.. ledger.Options.MigrationSets, Set($"set{i}", "empty")] };
            await ledger.ReopenAsync();
        }

        Assert.Equal(["08", "09", "10"], Copies(ledger).Select(c => c[^10..^8]));
    }

    [Fact]
    public async Task A_changed_migration_is_refused()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MigrationSets = [s_one] });
        ledger.Options = ledger.Options with { MigrationSets = [Set("feature", "changed")] };
        var e = await Failing.WithAsync(LedgerError.SchemaChanged, ledger.ReopenAsync);
        Assert.Contains("feature/0001", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_newer_ledger_is_refused_and_left_alone()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MigrationSets = [s_two] });
        await ledger.CloseAsync();
        foreach (var sets in new[] { new[] { s_one }, [] })
        {
            var e = await Failing.WithAsync(LedgerError.SchemaNewer,
                () => LedgerStore.OpenAsync(ledger.Options with { MigrationSets = sets }, TimeProvider.System, TestLedger.None));
            Assert.Contains("update this program", e.Message, StringComparison.Ordinal);
        }

        await ledger.ReopenAsync();
    }

    [Fact]
    public async Task A_failing_migration_takes_back_all_of_them()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.CloseAsync();
        var failing = ledger.Options with { MigrationSets = [s_one, Set("broken", "broken")] };
        var e = await Failing.WithAsync(
            LedgerError.MigrationFailed, () => LedgerStore.OpenAsync(failing, TimeProvider.System, TestLedger.None));
        Assert.Contains("broken/0002", e.Message, StringComparison.Ordinal);
        await using (var connection = new SqliteConnection($"Data Source={ledger.DatabasePath};Pooling=False"))
        {
            connection.Open();
            Assert.Equal(0L, DatabaseFile.Scalar(connection, "SELECT count(*) FROM sqlite_master WHERE name IN ('things', 'half')"));
            Assert.Equal(1L, DatabaseFile.Scalar(connection, "SELECT count(*) FROM schema_migrations"));
        }

        await ledger.ReopenAsync();
    }

    [Fact]
    public async Task Sets_with_gaps_without_files_or_with_one_name_are_refused()
    {
        await using var ledger = new TestLedger();
        foreach (MigrationSet[] sets in new MigrationSet[][]
            { [Set("gap", "gap")], [Set("none", "nothing_here")], [s_one, Set("feature", "empty")] })
        {
            await Failing.WithAsync(LedgerError.MigrationFailed,
                () => LedgerStore.OpenAsync(ledger.Options with { MigrationSets = sets }, TimeProvider.System, TestLedger.None));
        }
    }

    [Fact]
    public void Line_ends_do_not_change_a_checksum()
        => Assert.Equal(Set("a", "lf").Load()[0].Checksum, Set("a", "crlf").Load()[0].Checksum);

    private static MigrationSet Set(string name, string prefix) => new(name, typeof(MigrationTests).Assembly, prefix);

    private static string[] Copies(TestLedger ledger)
        => [.. Directory.GetFiles(ledger.Folder, "*.before-update-*").Order(StringComparer.Ordinal)];
}
