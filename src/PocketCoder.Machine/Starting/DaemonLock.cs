using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Platform;
using PocketCoder.Processes;

namespace PocketCoder.Machine;

/// <summary>
/// The right to be the one daemon of a home. It is a lock the system holds for the process and drops when that ends, however it ends;
/// the pid file beside it only tells people and the CLI who has it.
/// </summary>
public sealed class DaemonLock : IDisposable
{
    /// <summary>
    /// EWOULDBLOCK of flock, or Windows' sharing violation. Anything else (a read-only disk, a full one) is no daemon that lives.
    /// </summary>
    private static readonly int s_heldByAnother = OperatingSystem.IsWindows() ? unchecked((int)0x80070020) : OperatingSystem.IsMacOS() ? 35
        : 11;

    private readonly Home _home;
    private readonly FileStream _file;

    private DaemonLock(Home home, FileStream file) => (_home, _file) = (home, file);

    /// <summary>Takes the lock and writes the pid file, or gives null when a daemon has it.</summary>
    /// <exception cref="IOException">The files can't be written.</exception>
    public static DaemonLock? TryTake(Home home, TimeProvider time)
    {
        if (TryOpen(home) is not { } file)
        {
            return null;
        }

        var identity = OperatingSystem.IsLinux() ? ProcessGroup.Identify(Environment.ProcessId) : null;
        var holder = new DaemonHolder(Environment.ProcessId, identity?.StartTicks, identity?.BootId, time.GetUtcNow(),
            Guid.CreateVersion7().ToString("N", CultureInfo.InvariantCulture));
        PrivateFile.Replace(home.PidFile, JsonSerializer.SerializeToUtf8Bytes(holder, DaemonHolderJson.Default.DaemonHolder));
        return new DaemonLock(home, file);
    }

    /// <summary>Whether a daemon lives in this home. A pid file without a lock is stale and means nothing.</summary>
    /// <exception cref="IOException">The lock file can't be opened, so nobody knows.</exception>
    public static bool IsTaken(Home home)
    {
        if (!File.Exists(home.LockFile))
        {
            return false;
        }

        using var file = TryOpen(home);
        return file is null;
    }

    /// <summary>Who wrote the pid file; null when there is none or it can't be read.</summary>
    public static DaemonHolder? Holder(Home home)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(home.PidFile), DaemonHolderJson.Default.DaemonHolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>
    /// Removes the pid file and gives the lock back. The lock file stays: removing it would let two daemons each lock their own.
    /// </summary>
    public void Dispose()
    {
        File.Delete(_home.PidFile);
        _file.Dispose();
    }

    /// <summary>Whether a lock file could not be opened because another process holds it.</summary>
    public static bool IsHeldByAnother(IOException failure) => failure.HResult == s_heldByAnother;

    private static FileStream? TryOpen(Home home)
    {
        try
        {
            // FileShare.None is flock(LOCK_EX | LOCK_NB) on Unix and a sharing violation on Windows.
            return PrivateFile.Open(home.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsHeldByAnother(e))
        {
            return null;
        }
    }
}

/// <summary>Who holds the lock, in a form that survives the reuse of process ids.</summary>
/// <param name="StartTicks">Linux: clock ticks since boot at which the process started.</param>
/// <param name="Nonce">New for every start.</param>
public sealed record DaemonHolder(int Pid, long? StartTicks, string? BootId, DateTimeOffset StartedAt, string Nonce)
{
    /// <summary>Whether that very process still runs. Only Linux can tell for sure; elsewhere this is false.</summary>
    public bool IsAlive => Identity is { } identity && ProcessGroup.IsAlive(identity);

    /// <summary>Which process it is; null where a process can't be recognised again (not Linux).</summary>
    internal ProcessIdentity? Identity => OperatingSystem.IsLinux() && StartTicks is { } ticks
        && BootId is { } boot ? new ProcessIdentity(Pid, ticks, boot) : null;

    /// <summary>What that very process used so far; null when it does not run, or can't be told.</summary>
    public ProcessUsage? Usage => Identity is { } identity ? ProcessGroup.OwnUsage(identity) : null;

    /// <summary>
    /// What that very process was started with, its program first; null when it does not run any more or can't be told (not
    /// Linux).
    /// </summary>
    public IReadOnlyList<string>? ReadCommandLine()
    {
        if (!OperatingSystem.IsLinux() || !IsAlive)
        {
            return null;
        }

        try
        {
            var words = File.ReadAllText($"/proc/{Pid}/cmdline").Split('\0');
            return IsAlive ? words[..^1] : null; // the number was its own all the time
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Kills exactly that process, by its number, start time and boot, and only when it is of the user who owns the home: the pid file is
    /// the owner's to write, and an administrator who stops somebody's daemon must not be led to another process by it.
    /// </summary>
    /// <returns>False when it does not run any more, is another user's, or may not be signalled.</returns>
    public bool Kill(Home home)
        => OperatingSystem.IsLinux() && Identity is { } identity && FileOwner.AreTheSame(home.Root, $"/proc/{Pid}")
            && ProcessGroup.KillOnly(identity);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(DaemonHolder))]
internal sealed partial class DaemonHolderJson : JsonSerializerContext;
