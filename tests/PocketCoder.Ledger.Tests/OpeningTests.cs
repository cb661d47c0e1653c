using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger.Tests;

public sealed class OpeningTests
{
    [Fact]
    public async Task A_new_ledger_opens_with_a_first_row_that_carries_its_epoch()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var rows = await ledger.Store.ReadRowsAsync(new LedgerFilter(), TestLedger.None);
        var row = Assert.Single(rows);
        Assert.Equal(
            $$$"""{"v":1,"seq":1,"at":"2026-03-04T05:06:07.089Z","kind":"ledger_opened","machineId":"{{{TestLedger.Machine}}}","actor":"machine","data":{"ledgerEpoch":"{{{ledger.Store.Head.Epoch}}}"}}""",
            row.Body);
        Assert.Equal(new LedgerHead(ledger.Store.Head.Epoch, 1, row.HashHex), ledger.Store.Head);
    }

    [Fact]
    public async Task Reopening_keeps_the_head_and_adds_nothing()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendManyAsync(5);
        var head = ledger.Store.Head;
        await ledger.ReopenAsync();
        Assert.Equal(head, ledger.Store.Head);
    }

    [Fact]
    public async Task Files_are_for_the_owner_only()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "modes are a Unix matter");
        await using var ledger = new TestLedger();
        ledger.Options = ledger.Options with { Path = Path.Combine(ledger.Folder, "new", "ledger.db") };
        await ledger.ReopenAsync();
        await ledger.AppendManyAsync(1);
        await ledger.Store.BackupAsync(Path.Combine(ledger.Folder, "new", "copy.db"), TestLedger.None);
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var folder = Path.GetDirectoryName(ledger.DatabasePath)!;
        Assert.Equal(owner | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        var files = Directory.GetFiles(folder);
        Assert.Equal(
            ["copy.db", "ledger.db", "ledger.db-shm", "ledger.db-wal", "ledger.db.lock"],
            files.Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
        Assert.All(files, f => Assert.Equal(owner, File.GetUnixFileMode(f)));
    }

    [Fact]
    public async Task A_file_that_others_could_read_is_closed_to_them()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "modes are a Unix matter");
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.CloseAsync();
        File.SetUnixFileMode(ledger.DatabasePath,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        await ledger.ReopenAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(ledger.DatabasePath));
    }

    [Fact]
    public async Task A_folder_that_every_user_may_change_is_refused_with_the_command_that_helps()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "modes are a Unix matter");
        await using var ledger = new TestLedger();
        File.SetUnixFileMode(ledger.Folder, (UnixFileMode)0b111_111_111);
        var e = await Failing.WithAsync(LedgerError.InsecureFolder, ledger.ReopenAsync);
        Assert.Contains($"chmod o-w '{ledger.Folder}'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_opener_is_refused_and_the_first_goes_on()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var e = await Failing.WithAsync(
            LedgerError.Locked, () => LedgerStore.OpenAsync(ledger.Options, TimeProvider.System, TestLedger.None));
        Assert.Contains("already open in another pocketcoder process", e.Message, StringComparison.Ordinal);
        await ledger.AppendManyAsync(1);
        await ledger.CloseAsync();
        await ledger.ReopenAsync();
        Assert.Equal(2, ledger.Store.Head.Seq);
    }

    [Fact]
    public async Task Another_machine_identity_is_refused()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.CloseAsync();
        await Failing.WithAsync(
            LedgerError.WrongMachine,
            () => LedgerStore.OpenAsync(ledger.Options with { MachineId = "another" }, TimeProvider.System, TestLedger.None));
    }

    [Fact]
    public async Task A_database_of_another_program_is_not_touched()
    {
        await using var ledger = new TestLedger();
        SqliteEngine.EnsureLoaded();
        await using (var connection = new SqliteConnection($"Data Source={ledger.DatabasePath};Pooling=False"))
        {
            connection.Open();
            DatabaseFile.Execute(connection, "CREATE TABLE theirs (x)");
        }

        var before = await File.ReadAllBytesAsync(ledger.DatabasePath);
        await Failing.WithAsync(LedgerError.NotALedger, ledger.ReopenAsync);
        Assert.Equal(before, await File.ReadAllBytesAsync(ledger.DatabasePath));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused()
    {
        await using var ledger = new TestLedger();
        await File.WriteAllTextAsync(ledger.DatabasePath, new string('x', 5000));
        await Failing.WithAsync(LedgerError.NotALedger, ledger.ReopenAsync);
    }

    [Theory]
    [InlineData("UPDATE ledger SET body = replace(body, '\"n\":4', '\"n\":5') WHERE seq = 6")]
    [InlineData("DELETE FROM ledger WHERE seq = 5")]
    [InlineData("DELETE FROM ledger")]
    [InlineData("DELETE FROM ledger_meta WHERE name = 'ledger_epoch'")]
    public async Task A_ledger_whose_newest_rows_do_not_form_a_chain_does_not_open(string tampering)
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendManyAsync(8);
        await ledger.CloseAsync();
        ledger.Tamper(tampering);
        await Failing.WithAsync(LedgerError.Corrupt, ledger.ReopenAsync);
    }

    [Fact]
    public async Task A_database_that_was_not_closed_is_looked_through_whole_and_a_damaged_one_does_not_open()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendManyAsync(2000);
        await ledger.CloseAsync();
        await File.WriteAllBytesAsync(ledger.DatabasePath + "-wal", []); // as a killed process leaves it
        await ledger.ReopenAsync();
        await ledger.CloseAsync();

        const int pageSize = 4096;
        await using (var file = new FileStream(ledger.DatabasePath, FileMode.Open, FileAccess.ReadWrite))
        {
            file.Seek(file.Length / pageSize / 2 * pageSize, SeekOrigin.Begin);
            file.Write(new byte[pageSize]); // of rows that opening would not read
        }

        await File.WriteAllBytesAsync(ledger.DatabasePath + "-wal", []);
        await Failing.WithAsync(LedgerError.Corrupt, ledger.ReopenAsync);
    }

    [Theory]
    [InlineData(3_034_001, true, LedgerError.EngineTooOld)]
    [InlineData(3_040_001, false, LedgerError.EngineTooOld)]
    [InlineData(3_035_000, true, null)]
    public void The_engine_is_checked_for_age_and_threads(int version, bool threads, LedgerError? expected)
    {
        var failure = SqliteEngine.CheckVersion(version, threads);
        Assert.Equal(expected, failure?.Error);
        if (failure is { } f)
        {
            Assert.Matches("install|update", f.Message);
        }
    }

    [Fact]
    public void A_library_that_is_not_there_is_not_loaded()
        => Assert.Equal(0, SqliteEngine.LoadFirst(["libsqlite3-of-nobody.so.0"]));

    [Theory]
    [InlineData(0, 10, 1)]
    [InlineData(10, 0, 1)]
    [InlineData(10, 10, 0)]
    [InlineData(10, 10, 65)]
    public async Task Options_outside_their_limits_are_refused(int group, int queue, int readers)
    {
        await using var ledger = new TestLedger();
        ledger.Options = ledger.Options with { GroupLimit = group, QueueLimit = queue, Readers = readers };
        await Failing.WithAsync(LedgerError.InvalidData, ledger.ReopenAsync);
    }
}
