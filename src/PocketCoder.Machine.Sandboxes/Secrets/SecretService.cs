using PocketCoder.Broker.Secrets;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
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

    /// <summary>One was set or removed. Must not throw and not block.</summary>
    public event Action? Changed;

    /// <summary>Knows every secret of now.</summary>
    public Redactor Redactor => _known.Redactor;

    /// <summary>What the next start is compared with: the names, and whether a value is another one.</summary>
    public static FileSetting AsFound(SecretStore secrets) => FileSetting.Of(
        FileSettings.Secrets, secrets.List() is { Count: > 0 } list ? string.Join(' ', list.Select(s => s.Name)) : "none", secrets.Mark());

    /// <summary>Names and times, never values.</summary>
    public IReadOnlyList<SecretInfo> List() => _secrets.List();

    /// <exception cref="SecretException">It was changed on disk.</exception>
    public string? Get(string name) => _secrets.Get(name);

    /// <summary>Sets or replaces one. There is a row whenever it is set; when it can't be set or recorded, it is as before.</summary>
    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="SecretException">The name or the value is not one, or the file can't be written.</exception>
    public async Task SetAsync(string name, string value, Device? device = null)
        => await ChangeAsync(name, "set", () => _secrets.Set(name, value, device?.Name), device);

    /// <summary>Removes one; false when there was none.</summary>
    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="SecretException">The name is none, or the file can't be written.</exception>
    public Task<bool> RemoveAsync(string name, Device? device = null)
        => ChangeAsync(name, "removed", () => _secrets.Remove(name), device);

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

    /// <summary>Secret and row together: while the row is not durable, the secret is put back.</summary>
    private async Task<bool> ChangeAsync(string name, string action, Func<SecretChange?> make, Device? device)
    {
        bool changed;
        try
        {
            changed = await _store.WriteAsync(change =>
            {
                if (make() is not { } made)
                {
                    return false;
                }

                change.Afterwards(static () => { }, () => _secrets.Undo(made));
                SettingChange.Record(change, new SettingData("secret", name, action), device);
                AsFound(_secrets).Remember(change);
                return true;
            });
        }
        finally
        {
            Rebuild();
        }

        if (changed)
        {
            Changed?.Invoke();
        }

        return changed;
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
