using PocketCoder.Broker.Secrets;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Secrets;

/// <summary>
/// The machine's named secrets: kept encrypted, changed with a row in the ledger that names them, and taken out of everything that leaves
/// the machine's own hands. Thread-safe.
/// </summary>
public sealed class SecretService
{
    private readonly SecretStore _secrets;
    private readonly KnownSecrets _known;
    private readonly Store _store;
    private readonly Lock _changing = new(); // guards what follows
    private readonly List<string> _passing = [];

    /// <param name="known">Learns the secrets here, before anybody can read one.</param>
    /// <exception cref="SecretException">A secret can't be read; the message says why.</exception>
    public SecretService(SecretStore secrets, KnownSecrets known, Store store)
    {
        (_secrets, _known, _store) = (secrets, known, store);
        Rebuild();
    }

    /// <summary>Knows every secret of now.</summary>
    public Redactor Redactor => _known.Redactor;

    /// <summary>Names and times, never values.</summary>
    public IReadOnlyList<SecretInfo> List() => _secrets.List();

    /// <exception cref="SecretException">It was changed on disk.</exception>
    public string? Get(string name) => _secrets.Get(name);

    /// <summary>Sets or replaces one. There is a row whenever it is set; when either can't be written, neither is.</summary>
    /// <exception cref="SecretException">The name or the value is not one, or the file can't be written.</exception>
    public Task SetAsync(string name, string value) => ChangeAsync(change =>
    {
        _secrets.Set(name, value);
        Record(change, name, "set");
        return true;
    });

    /// <summary>Removes one; false when there was none.</summary>
    /// <exception cref="SecretException">The name is none, or the file can't be written.</exception>
    public Task<bool> RemoveAsync(string name) => ChangeAsync(change =>
    {
        var removed = _secrets.Remove(name);
        if (removed)
        {
            Record(change, name, "removed");
        }

        return removed;
    });

    /// <summary>
    /// Values that live as long as a process does (its passwords and tokens): taken out like the others until what is given back is
    /// disposed.
    /// </summary>
    public IDisposable Know(IReadOnlyList<string> values)
    {
        if (values.Count == 0)
        {
            return new Known(this, []);
        }

        lock (_changing)
        {
            _passing.AddRange(values);
            Rebuild();
        }

        return new Known(this, values);
    }

    private static void Record(Change change, string name, string action) => change.Ledger(new LedgerEntry(LedgerKind.ConfigurationChanged)
    { Actor = "cli", Data = new SettingData("secret", name, action).ToJson() });

    /// <summary>Secrets and rows together: what is not durable in the ledger is put back.</summary>
    private async Task<bool> ChangeAsync(Func<Change, bool> work)
    {
        try
        {
            return await _store.WriteAsync(change =>
            {
                var putBack = _secrets.Remember();
                change.Afterwards(static () => { }, () => Quietly(putBack));
                return work(change);
            });
        }
        finally
        {
            Rebuild();
        }
    }

    private static void Quietly(Action putBack)
    {
        try
        {
            putBack();
        }
        catch (SecretException)
        {
            // The disk fails, which the caller is told by the failed change itself.
        }
    }

    private void Rebuild()
    {
        lock (_changing)
        {
            _known.Become(_secrets.CreateRedactor(_passing));
        }
    }

    private sealed class Known(SecretService service, IReadOnlyList<string> values) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (values.Count > 0 && Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                lock (service._changing)
                {
                    foreach (var value in values)
                    {
                        service._passing.Remove(value);
                    }

                    service.Rebuild();
                }
            }
        }
    }
}
