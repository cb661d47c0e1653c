using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// Named secrets, encrypted at rest: a file of AES-256-GCM boxes and a key file of mode 0600 beside it. Protects copies and backups of the
/// data; whoever reads files as the owner has the key as well. Values go out by name only, one at a time. Thread-safe; one process at a
/// time has it open, which a lock file beside it makes sure of.
/// </summary>
/// <remarks>Each box is bound to its name and to the store's id, so boxes can't be swapped; an older whole file can be put back by who can
/// write it.</remarks>
public sealed class SecretStore : IDisposable
{
    /// <summary>UTF-8 bytes of a value.</summary>
    public const int MaxValueBytes = 64 * 1024;

    private const int Version = 1;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private readonly Lock _gate = new(); // guards the content and the key
    private readonly string _path;
    private readonly string _keyPath;
    private readonly TimeProvider _time;
    private SecretFile _content;
    private readonly FileStream? _held;
    private byte[] _key;

    private SecretStore(FileStream? held, string path, string keyPath, TimeProvider time, SecretFile content, byte[] key)
    {
        _held = held;
        _path = path;
        _keyPath = keyPath;
        _time = time;
        _content = content;
        _key = key;
    }

    /// <summary>Opens the store, or makes one when neither file is there.</summary>
    /// <exception cref="SecretException">A file is damaged, exposed, missing while the other is there, or the key is another store's; or
    /// another process has it open.</exception>
    public static SecretStore Open(string path, string keyPath, TimeProvider time)
    {
        var held = Hold(path + ".lock");
        try
        {
            SecretFiles.RemoveLeftovers(path);
            SecretFiles.RemoveLeftovers(keyPath);
            SecretFiles.RemoveLeftovers(keyPath + ".next");
            return Open(held, path, keyPath, time);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Finds out whether <see cref="Open(string, string, TimeProvider)"/> would open the store, also while another process has it open.
    /// Changes nothing.
    /// </summary>
    /// <exception cref="SecretException">It would not; the message says why.</exception>
    public static void Inspect(string path, string keyPath, TimeProvider time)
    {
        if (!File.Exists(path))
        {
            if (File.Exists(keyPath))
            {
                _ = KeyFile.Read(keyPath);
            }

            return;
        }

        var file = Read(path);
        using var store = new SecretStore(null, path, keyPath, time, file, KeyFile.Find(keyPath, file.KeyId).Key);
        _ = store.CreateRedactor(); // opens every box
    }

    private static SecretStore Open(FileStream held, string path, string keyPath, TimeProvider time)
    {
        if (!File.Exists(path))
        {
            // A key alone is what a crash between the two writes leaves; it is used.
            var fresh = File.Exists(keyPath) ? KeyFile.Read(keyPath) : KeyFile.Create(keyPath);
            var content = new SecretFile(Version, KeyFile.IdOf(fresh), Guid.CreateVersion7(), []);
            Write(path, content);
            return new SecretStore(held, path, keyPath, time, content, fresh);
        }

        var file = Read(path);
        var key = KeyFile.Read(keyPath, file.KeyId);
        return new SecretStore(held, path, keyPath, time, file, key);
    }

    /// <summary>Names and when they were last set, in order of names. Never values.</summary>
    public IReadOnlyList<SecretInfo> List()
    {
        lock (_gate)
        {
            return [.. _content.Secrets.Select(s => new SecretInfo(s.Name, s.SetAt, s.SetBy)).OrderBy(s => s.Name, StringComparer.Ordinal)];
        }
    }

    /// <summary>Differs when any secret was set, replaced or removed. Tells nothing of a value: it is made of sealed ones.</summary>
    public byte[] Mark()
    {
        lock (_gate)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var box in _content.Secrets.OrderBy(s => s.Name, StringComparer.Ordinal))
            {
                hash.AppendData(Encoding.UTF8.GetBytes(box.Name + "\n"));
                hash.AppendData(box.Nonce);
                hash.AppendData(box.Tag);
            }

            return hash.GetHashAndReset();
        }
    }

    /// <summary>Sets or replaces a secret; durable when this returns, and can be taken back.</summary>
    /// <param name="name">1 to 64 letters, digits, <c>_ - .</c>.</param>
    /// <param name="by">Whom <see cref="SecretInfo.SetBy"/> names.</param>
    /// <exception cref="SecretException"><see cref="SecretError.NameInvalid"/>, <see cref="SecretError.ValueInvalid"/>,
    /// <see cref="SecretError.Unavailable"/>.</exception>
    public SecretChange Set(string name, string value, string? by = null)
    {
        CheckName(name);
        var plain = Encoding.UTF8.GetBytes(value);
        try
        {
            if (plain.Length is 0 or > MaxValueBytes)
            {
                throw new SecretException(SecretError.ValueInvalid, $"a secret has 1 to {MaxValueBytes} bytes");
            }

            lock (_gate)
            {
                var box = Seal(_key, _content.StoreId, name, plain, _time.GetUtcNow(), by);
                var before = _content.Secrets.FirstOrDefault(s => s.Name == name);
                Replace(_content with { Secrets = [.. _content.Secrets.Where(s => s.Name != name), box] });
                return new SecretChange(name, before, box);
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>A secret's value, or null when there is none of that name.</summary>
    /// <exception cref="SecretException"><see cref="SecretError.Damaged"/>: the box was changed.</exception>
    public string? Get(string name)
    {
        lock (_gate)
        {
            if (_content.Secrets.FirstOrDefault(s => s.Name == name) is not { } box)
            {
                return null;
            }

            var plain = Open(_key, _content.StoreId, box);
            try
            {
                return Encoding.UTF8.GetString(plain);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(plain);
            }
        }
    }

    /// <summary>Removes a secret; null when there was none.</summary>
    public SecretChange? Remove(string name)
    {
        CheckName(name);
        lock (_gate)
        {
            if (_content.Secrets.FirstOrDefault(s => s.Name == name) is not { } before)
            {
                return null;
            }

            Replace(_content with { Secrets = [.. _content.Secrets.Where(s => s.Name != name)] });
            return new SecretChange(name, before, null);
        }
    }

    /// <summary>Takes a change back that could not be recorded; nothing, when the secret was changed again since.</summary>
    /// <exception cref="SecretException"><see cref="SecretError.Unavailable"/>.</exception>
    public void Undo(SecretChange change)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_content.Secrets.FirstOrDefault(s => s.Name == change.Name), change.After))
            {
                var others = _content.Secrets.Where(s => s.Name != change.Name);
                Replace(_content with { Secrets = change.Before is { } before ? [.. others, before] : [.. others] });
            }
        }
    }

    /// <summary>Encrypts everything anew under a new key. After a crash at any point the store opens with one key or the other.</summary>
    public void Rotate()
    {
        lock (_gate)
        {
            var next = KeyFile.CreateNext(_keyPath);
            var boxes = new List<SecretBox>();
            foreach (var box in _content.Secrets)
            {
                var plain = Open(_key, _content.StoreId, box);
                boxes.Add(Seal(next, _content.StoreId, box.Name, plain, box.SetAt, box.SetBy));
                CryptographicOperations.ZeroMemory(plain);
            }

            Replace(_content with { KeyId = KeyFile.IdOf(next), Secrets = boxes });
            CryptographicOperations.ZeroMemory(_key);
            _key = next;
            KeyFile.Promote(_keyPath);
        }
    }

    /// <summary>A redactor that knows every secret of now.</summary>
    /// <param name="passing">Values beside them that are not kept: of processes that run now.</param>
    public Redactor CreateRedactor(IReadOnlyList<string>? passing = null)
        => new(List().Select(s => KeyValuePair.Create(s.Name, Get(s.Name) ?? ""))
            .Concat((passing ?? []).Select(p => KeyValuePair.Create("of a process", p))));

    /// <summary>
    /// Forgets the key and lets others open the store. The lock file stays: removing it would let two each lock their own.
    /// </summary>
    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_key);
        _held?.Dispose();
    }

    private static FileStream Hold(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            return new FileStream(path, options); // flock(2): the system drops it with the process, however that ends
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw File.Exists(path) && e is not UnauthorizedAccessException
                ? new SecretException(SecretError.InUse, "another process has the secrets open", e)
                : new SecretException(SecretError.Unavailable, $"'{path}' cannot be written", e);
        }
    }

    private void Replace(SecretFile content)
    {
        Write(_path, content);
        _content = content; // only what is on disk is remembered
    }

    private static SecretBox Seal(byte[] key, Guid store, string name, byte[] plain, DateTimeOffset at, string? by)
    {
        var nonce = RandomNumberGenerator.GetBytes(NonceSize);
        var data = new byte[plain.Length];
        var tag = new byte[TagSize];
        using var cipher = new AesGcm(key, TagSize);
        cipher.Encrypt(nonce, plain, data, tag, Bound(store, name));
        return new SecretBox(name, nonce, data, tag, at, by);
    }

    private static byte[] Open(byte[] key, Guid store, SecretBox box)
    {
        var plain = new byte[box.Data.Length];
        try
        {
            using var cipher = new AesGcm(key, TagSize);
            cipher.Decrypt(box.Nonce, box.Data, box.Tag, plain, Bound(store, box.Name));
            return plain;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new SecretException(SecretError.Damaged, $"the secret '{box.Name}' was changed on disk; set it again");
        }
    }

    private static byte[] Bound(Guid store, string name) => Encoding.UTF8.GetBytes($"pocketcoder-secret-v1\n{store:N}\n{name}");

    private static void CheckName(string name)
    {
        if (name.Length is 0 or > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
        {
            throw new SecretException(SecretError.NameInvalid, "a secret's name is 1 to 64 letters, digits, '_', '-' or '.'");
        }
    }

    private static SecretFile Read(string path)
    {
        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(path), SecretJson.Default.SecretFile);
            return file is { V: Version } ? file
                : throw new SecretException(SecretError.Damaged, $"'{path}' is not a secrets file of version {Version}");
        }
        catch (JsonException)
        {
            throw new SecretException(
                SecretError.Damaged, $"'{path}' does not hold secrets; restore it from a backup, or move it away and set them again");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SecretException(SecretError.Unavailable, $"'{path}' cannot be read", e);
        }
    }

    private static void Write(string path, SecretFile content)
        => SecretFiles.Replace(path, JsonSerializer.SerializeToUtf8Bytes(content, SecretJson.Default.SecretFile));
}

/// <param name="SetAt">When the value was last given.</param>
/// <param name="SetBy">By which device; null: by the owner at the machine.</param>
public sealed record SecretInfo(string Name, DateTimeOffset SetAt, string? SetBy = null);

/// <summary>What a change of a secret was, for <see cref="SecretStore.Undo"/>. Holds sealed values only.</summary>
public sealed class SecretChange
{
    internal SecretChange(string name, SecretBox? before, SecretBox? after) => (Name, Before, After) = (name, before, after);

    public string Name { get; }

    internal SecretBox? Before { get; }

    internal SecretBox? After { get; }
}
