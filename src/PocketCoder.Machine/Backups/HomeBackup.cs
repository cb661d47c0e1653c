using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Backups;

/// <summary>
/// Copies what a machine can't do without (ledger and state, keys, settings) into a folder, while the daemon runs; and puts such a copy
/// back. What people sent, what commands wrote and the snapshots are not in it. Stateless.
/// </summary>
public static class HomeBackup
{
    private const int Format = 1;
    private const string ManifestName = "manifest.json";
    private const string DatabaseName = "daemon.db";
    private const string MachineKeyName = "machine.key";
    private const string HeadName = "ledger.head";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly string[] s_files =
        ["machine.key", "machine-label.txt", "secrets.json", "secrets.key", "prices.json", "config.json", "link.json", "push.key",
            "push-services", "notify.json", "feishu.json", "providers.json", "tls/ca.crt", "tls/ca.key", "tls/server.crt",
            "tls/server.key"];

    /// <summary>Makes a backup; its ledger is verified before it gets its name.</summary>
    /// <param name="folder">Absolute; must not exist. Made with mode 0700, since it holds the machine's keys.</param>
    /// <exception cref="BackupRefusal">There is nothing to back up, or there is such a folder.</exception>
    /// <exception cref="LedgerException">The ledger does not verify, or the copy can't be written.</exception>
    public static async Task<BackupManifest> MakeAsync(Home home, string folder, TimeProvider time, CancellationToken ct)
    {
        if (!File.Exists(home.Database) || !File.Exists(home.MachineKey))
        {
            throw new BackupRefusal($"There is nothing to back up in {home}.");
        }

        if (Path.Exists(folder))
        {
            throw new BackupRefusal($"{folder} already exists, and a backup never overwrites.");
        }

        var partial = folder + ".partial";
        try
        {
            MakeFolder(partial);
            var report = await LedgerStore.CopyFileAsync(home.Database, Path.Combine(partial, DatabaseName), time, ct);
            foreach (var name in s_files.Where(name => File.Exists(Path.Combine(home.Root, name))))
            {
                Copy(Path.Combine(home.Root, name), Path.Combine(partial, name));
            }

            using var identity = ChannelIdentity.LoadOrCreate(home.MachineKey);
            var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
            foreach (var name in s_files.Append(DatabaseName).Where(name => File.Exists(Path.Combine(partial, name))))
            {
                files[name] = await HashAsync(Path.Combine(partial, name), ct);
            }

            var head = report.Head!;
            var manifest = new BackupManifest(
                Format, DaemonOptions.ProductVersion, time.GetUtcNow(), identity.Id, head.Epoch, head.Seq, head.HashHex, files);
            PrivateFile.Replace(Path.Combine(partial, ManifestName),
                JsonSerializer.SerializeToUtf8Bytes(manifest, BackupJson.Default.BackupManifest));
            Directory.Move(partial, folder);
            return manifest;
        }
        finally
        {
            if (Directory.Exists(partial))
            {
                Directory.Delete(partial, recursive: true);
            }
        }
    }

    /// <summary>Checks every file and the whole chain of a backup.</summary>
    /// <exception cref="BackupRefusal">Something is wrong with it.</exception>
    public static async Task<BackupManifest> VerifyAsync(string folder, CancellationToken ct)
    {
        var manifest = Manifest(folder);
        foreach (var (name, hash) in manifest.Files)
        {
            var path = Path.Combine(folder, name);
            if (!s_files.Append(DatabaseName).Contains(name, StringComparer.Ordinal) || !File.Exists(path)
                || await HashAsync(path, ct) != hash)
            {
                throw new BackupRefusal($"This backup is broken: {name} is missing or was changed.");
            }
        }

        VerifyReport report;
        try
        {
            using var identity = File.Exists(Path.Combine(folder, MachineKeyName))
                ? ChannelIdentity.Load(Path.Combine(folder, MachineKeyName)) : null;
            report = await LedgerStore.VerifyFileAsync(Path.Combine(folder, DatabaseName), [], identity?.SigningPublicKey.ToArray(), ct);
        }
        catch (ChannelException e)
        {
            throw new BackupRefusal($"This backup is broken: its machine key can't be read: {e.Message}", e);
        }
        catch (LedgerException e)
        {
            throw new BackupRefusal($"This backup is broken: its ledger can't be read: {e.Message}", e);
        }

        return report.Fault is { } fault ? throw new BackupRefusal($"This backup is broken: {fault.Detail}")
            : report.Head is { } head
                && (head.Epoch, head.Seq, head.HashHex) == (manifest.LedgerEpoch, manifest.LedgerSeq, manifest.LedgerHash) ? manifest
            : throw new BackupRefusal("This backup is broken: its ledger does not end where the manifest says.");
    }

    /// <summary>Puts a backup in the place of what is there, which is kept beside it.</summary>
    /// <param name="held">Proof that no daemon runs.</param>
    /// <param name="force">Also when it is older than what is there, or of another ledger.</param>
    /// <exception cref="BackupRefusal">It is broken, or older, or of another ledger; nothing was changed.</exception>
    public static async Task<RestoredHome> RestoreAsync(
        Home home, DaemonLock held, string folder, bool force, TimeProvider time, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(held);
        var manifest = await VerifyAsync(folder, ct);
        if (!force && await OlderAsync(home, folder, manifest, ct) is { } why)
        {
            throw new BackupRefusal(why);
        }

        var lost = await HeadAsync(home, ct);
        var kept = Path.Combine(
            home.Root, "before-restore-" + time.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmssfff'Z'", CultureInfo.InvariantCulture));
        MakeFolder(kept);
        var moved = new List<string>();
        try
        {
            foreach (var name in s_files.Concat([DatabaseName, DatabaseName + "-wal", DatabaseName + "-shm", HeadName])
                .Where(name => File.Exists(Path.Combine(home.Root, name))))
            {
                MakeFolder(Path.GetDirectoryName(Path.Combine(kept, name))!);
                File.Move(Path.Combine(home.Root, name), Path.Combine(kept, name));
                moved.Add(name);
            }

            foreach (var name in manifest.Files.Keys)
            {
                Copy(Path.Combine(folder, name), Path.Combine(home.Root, name));
            }

            Vouch(home, manifest, lost);
        }
        catch
        {
            foreach (var name in moved)
            {
                File.Move(Path.Combine(kept, name), Path.Combine(home.Root, name), overwrite: true);
            }

            throw;
        }

        return new RestoredHome(manifest, moved.Count > 0 ? kept : null);
    }

    /// <summary>The newest row of what is there; null: there is none that can be read.</summary>
    private static async Task<LedgerHead?> HeadAsync(Home home, CancellationToken ct)
    {
        try
        {
            return File.Exists(home.Database) ? (await LedgerStore.VerifyFileAsync(home.Database, [], ct)).Head : null;
        }
        catch (LedgerException)
        {
            return null;
        }
    }

    /// <summary>
    /// Signs the backup's last row as the newest head: restoring is the owner's own act, so the next start finds the chain it expects. Its
    /// row <c>ledger_restored</c> says how far the ledger had got before, which devices may remember.
    /// </summary>
    private static void Vouch(Home home, BackupManifest manifest, LedgerHead? lost)
    {
        using var identity = ChannelIdentity.Load(home.MachineKey);
        new HeadFile(home.LedgerHead).Write(
            new LedgerHead(manifest.LedgerEpoch, manifest.LedgerSeq, manifest.LedgerHash), identity.Id, MachineSigner.Of(identity), lost);
    }

    /// <summary>Why it must not simply take the place of what is there; null: it may.</summary>
    private static async Task<string?> OlderAsync(Home home, string folder, BackupManifest manifest, CancellationToken ct)
    {
        const string anyway = "To restore it anyway: --force";
        if (!File.Exists(home.Database))
        {
            return null;
        }

        VerifyReport now;
        try
        {
            now = await LedgerStore.VerifyFileAsync(home.Database, [], ct);
        }
        catch (LedgerException)
        {
            return null; // what is there can't be read: that is what backups are for
        }

        if (now.Head is not { } head)
        {
            return null;
        }

        if (head.Epoch != manifest.LedgerEpoch)
        {
            return $"This backup is of another ledger than the one in {home}. {anyway}";
        }

        // The shorter of the two must be the beginning of the longer one; else neither is older, and each has what the other lacks.
        var shorter = manifest.LedgerSeq <= head.Seq ? new LedgerCheckpoint(manifest.LedgerSeq, manifest.LedgerHash)
            : new LedgerCheckpoint(head.Seq, head.HashHex);
        var longer = manifest.LedgerSeq <= head.Seq ? home.Database : Path.Combine(folder, DatabaseName);
        if ((await LedgerStore.VerifyFileAsync(
            longer, [shorter], ct)).Fault is { Kind: LedgerFaultKind.Rewritten or LedgerFaultKind.Truncated })
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"This backup and the current ledger have diverged: row {shorter.Seq} differs. The backup ends with row {manifest.LedgerSeq}, the ledger with {head.Seq}. Rows that only the current ledger has would be lost, and paired devices would report it. {anyway}");
        }

        if (manifest.LedgerSeq < head.Seq)
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"This backup is older than the current ledger: it ends with row {manifest.LedgerSeq}, the ledger with {head.Seq}. Later rows would be lost, and paired devices would report it. {anyway}");
        }

        return null;
    }

    private static BackupManifest Manifest(string folder)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(folder, ManifestName)),
                BackupJson.Default.BackupManifest) is { Format: Format } manifest && manifest.Files.ContainsKey(DatabaseName)
                ? manifest
                : throw new BackupRefusal($"{folder} is a backup of a kind that this version can't read.");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new BackupRefusal(
                $"{folder} is no backup: {(e is JsonException json ? $"{ManifestName}: {JsonFault.Of(json)}" : e.Message)}", e);
        }
    }

    private static async Task<string> HashAsync(string path, CancellationToken ct)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, ct));
    }

    private static void Copy(string from, string to)
    {
        MakeFolder(Path.GetDirectoryName(to)!);
        using var source = File.OpenRead(from);
        using var target = PrivateFile.Open(to, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        source.CopyTo(target);
        target.Flush(flushToDisk: true);
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, Private);
        }
    }
}

/// <summary>What a backup holds.</summary>
/// <param name="Files">SHA-256 (hex) by name.</param>
public sealed record BackupManifest(
    int Format, string Version, DateTimeOffset CreatedAt, string MachineId, string LedgerEpoch, long LedgerSeq, string LedgerHash,
    IReadOnlyDictionary<string, string> Files);

/// <param name="Kept">Where what was there before is; null: there was nothing.</param>
public sealed record RestoredHome(BackupManifest Backup, string? Kept);

/// <summary>A backup that can't be made, or must not be put back; the message says why.</summary>
public sealed class BackupRefusal(string message, Exception? inner = null) : Exception(message, inner);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, WriteIndented = true)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class BackupJson : JsonSerializerContext;
