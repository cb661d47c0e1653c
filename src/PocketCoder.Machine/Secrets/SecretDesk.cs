using PocketCoder.Broker.Secrets;
using PocketCoder.Ledger;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Secrets;

/// <summary>
/// The machine's named secrets: kept encrypted, changed with a row in the ledger that names them, and taken out of everything that leaves the machine's
/// own hands. Thread-safe.
/// </summary>
internal sealed class SecretDesk : IDisposable
{
    private readonly SecretStore _secrets;
    private readonly Store _store;
    private volatile Redactor _redactor;

    /// <exception cref="SecretException">The secrets can't be opened; the message says why.</exception>
    public SecretDesk(Home home, Store store, TimeProvider time)
    {
        _secrets = SecretStore.Open(home.Secrets, home.SecretKey, time);
        _store = store;
        _redactor = _secrets.CreateRedactor();
    }

    /// <summary>Knows every secret of now.</summary>
    public Redactor Redactor => _redactor;

    /// <summary>Names and times, never values.</summary>
    public IReadOnlyList<SecretInfo> List() => _secrets.List();

    /// <exception cref="SecretException">It was changed on disk.</exception>
    public string? Get(string name) => _secrets.Get(name);

    /// <summary>Sets or replaces one. There is a row whenever it is set; when it can't be set, there is none.</summary>
    /// <exception cref="SecretException">The name or the value is not one, or the file can't be written.</exception>
    public async Task SetAsync(string name, string value)
    {
        await _store.WriteAsync(change =>
        {
            change.Ledger(new LedgerEntry(LedgerKind.ConfigurationChanged) { Actor = "cli", Data = new SettingData("secret", name, "set").ToJson() });
            _secrets.Set(name, value);
        });
        _redactor = _secrets.CreateRedactor();
    }

    /// <summary>Removes one; false when there was none.</summary>
    /// <exception cref="SecretException">The name is none, or the file can't be written.</exception>
    public async Task<bool> RemoveAsync(string name)
    {
        var removed = await _store.WriteAsync(change =>
        {
            if (!_secrets.Remove(name))
            {
                return false;
            }

            change.Ledger(new LedgerEntry(LedgerKind.ConfigurationChanged) { Actor = "cli", Data = new SettingData("secret", name, "removed").ToJson() });
            return true;
        });
        _redactor = _secrets.CreateRedactor();
        return removed;
    }

    public void Dispose() => _secrets.Dispose();
}
