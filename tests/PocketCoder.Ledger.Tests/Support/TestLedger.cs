using System.Text;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger.Tests;

/// <summary>A real ledger in its own temporary folder, which goes away with it.</summary>
internal sealed class TestLedger : IAsyncDisposable
{
    public const string Machine = "00112233445566778899aabbccddeeff";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-ledger-");
    private LedgerStore? _store;

    public TestLedger() => Options = new LedgerOptions(Path.Combine(_folder.FullName, "ledger.db"), Machine);

    public static CancellationToken None => CancellationToken.None;

    public LedgerOptions Options { get; set; }

    public string Folder => _folder.FullName;

    public string DatabasePath => Options.Path;

    public StoppedClock Clock { get; } = new();

    public LedgerStore Store => _store ?? throw new InvalidOperationException("open it first");

    public static async Task<TestLedger> OpenAsync(Func<LedgerOptions, LedgerOptions>? with = null)
    {
        var ledger = new TestLedger();
        ledger.Options = with?.Invoke(ledger.Options) ?? ledger.Options;
        await ledger.ReopenAsync();
        return ledger;
    }

    public async Task<LedgerStore> ReopenAsync()
    {
        await CloseAsync();
        return _store = await LedgerStore.OpenAsync(Options, Clock, None);
    }

    public async Task CloseAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
            _store = null;
        }
    }

    public Task<LedgerRow> AppendAsync(LedgerEntry entry) => Store.WriteAsync(t => t.Append(entry), None);

    /// <summary>Appends plain rows: configuration changes with a number.</summary>
    public async Task AppendManyAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await AppendAsync(Note(i));
        }
    }

    public static LedgerEntry Note(int n)
        => new(LedgerKind.ConfigurationChanged) { SessionId = $"s{n % 3}", Data = Json($$"""{"n":{{n}}}""") };

    public static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Somebody with a database tool and no respect for triggers. Only while the store is closed.</summary>
    public void Tamper(string sql, params (string Name, object Value)[] parameters)
    {
        using var connection = new SqliteConnection($"Data Source={DatabasePath};Pooling=False");
        connection.Open();
        foreach (var line in new[]
            { "DROP TRIGGER IF EXISTS ledger_no_update; DROP TRIGGER IF EXISTS ledger_no_delete; DROP TRIGGER IF EXISTS ledger_in_order;",
            sql })
        {
            using var command = connection.CreateCommand();
            command.CommandText = line;
            foreach (var (name, value) in parameters)
            {
                command.Parameters.AddWithValue(name, value);
            }

            command.ExecuteNonQuery();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Delete(recursive: true);
    }
}

/// <summary>A clock that moves only when told to.</summary>
internal sealed class StoppedClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 3, 4, 5, 6, 7, 89, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => Now;
}
