using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Projects;

/// <summary>
/// The folders beneath which a device with <c>manage</c> may register projects: the home folder, unless the owner took it away, and what
/// the owner added. Only the owner changes them, with a row in the ledger each. At most <see cref="Most"/>. Thread-safe.
/// </summary>
/// <param name="home">The daemon's own folder, which no root may be in.</param>
/// <param name="userHome">The home folder of the daemon's user; null or empty: there is none.</param>
public sealed class FolderRoots(Store store, Home home, string? userHome)
{
    private const int Most = 50;

    private static readonly string[] s_system =
        ["/proc", "/sys", "/dev", "/run", "/boot", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/snap", "/lost+found"];

    /// <summary>By their real paths.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken)
    {
        var rows = await store.QueryAsync("SELECT path, allowed FROM project_roots", Map, cancellationToken);
        return Held(rows);
    }

    /// <summary>Allows one. One that is allowed already stays so, without a row.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, FILE_NOT_FOUND, NOT_A_DIRECTORY, PERMISSION_DENIED</exception>
    public async Task<string> AddAsync(string path)
    {
        var real = ProjectFolder.Resolve(path, force: true, home, userHome);
        if (WhyNot(real) is { } why)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{path} {why}");
        }

        await store.WriteAsync(change =>
        {
            var held = Held(change.Query("SELECT path, allowed FROM project_roots", Map));
            if (held.Contains(real, StringComparer.Ordinal))
            {
                return;
            }

            if (held.Count >= Most)
            {
                throw new RequestFailure(ErrorCode.InvalidRequest, $"There are at most {Most} roots. Remove one first.");
            }

            Set(change, real, allowed: true);
            SettingChange.Record(change, new SettingData("project_root", real, "set"), device: null);
        });
        return real;
    }

    /// <summary>Takes one away. Projects that are registered stay.</summary>
    /// <param name="path">As <see cref="ListAsync"/> gives it, or another way there.</param>
    /// <exception cref="RequestFailure">FILE_NOT_FOUND: it is none.</exception>
    public Task<string> RemoveAsync(string path) => store.WriteAsync(change =>
    {
        var held = Held(change.Query("SELECT path, allowed FROM project_roots", Map));
        var found = held.FirstOrDefault(r => r == path) ?? held.FirstOrDefault(r => r == ProjectFolder.RealPath(path))
            ?? throw new RequestFailure(ErrorCode.FileNotFound, $"{path} is no root. See: pocketcoder roots list");
        if (found == UserHome)
        {
            Set(change, found, allowed: false);
        }
        else
        {
            change.Execute("DELETE FROM project_roots WHERE path = $path", ("$path", found));
        }

        SettingChange.Record(change, new SettingData("project_root", found, "removed"), device: null);
        return found;
    });

    /// <summary>Not where the user has none: a daemon's user may have the root for it.</summary>
    private string? UserHome
        => userHome is { Length: > 1 } && Directory.Exists(userHome) && RealPath.Of(userHome) is { Length: > 1 } real ? real : null;

    private List<string> Held(IReadOnlyList<(string Path, bool Allowed)> rows)
        => [.. rows.Where(r => r.Allowed).Select(r => r.Path)
            .Concat(UserHome is { } user && rows.All(r => r.Path != user) ? [user] : []).Order(StringComparer.Ordinal)];

    private string? WhyNot(string real)
        => real == "/" ? "is the whole file system. Allow a folder that holds projects."
            : Array.Exists(s_system, s => IsIn(real, s)) ? "is the system's own. Allow a folder that holds projects."
            : home.Own.Any(own => IsIn(real, ProjectFolder.RealPath(own))) ? "is PocketCoder's own."
            : real.Split('/', StringSplitOptions.RemoveEmptyEntries).Any(n => !FolderNames.IsOpen(n))
                ? "is hidden, or in a hidden folder: keys and settings are kept there."
            : OperatingSystem.IsLinux() && OthersMayWrite(real) ? "can be written by every user of this machine (chmod o-w it first)."
            : null;

    private static bool OthersMayWrite(string real)
    {
        using var handle = Libc.Open(real, Libc.PathOnly | Libc.DirectoryOnly);
        return handle is null || Libc.Stat(handle) is not { } stat || (stat.Permissions & FolderBrowser.OthersWrite) != 0;
    }

    private static bool IsIn(string path, string folder) => path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);

    private static void Set(Change change, string path, bool allowed) => change.Execute(
        "INSERT INTO project_roots (path, allowed, set_at) VALUES ($path, $allowed, $at) ON CONFLICT (path) DO UPDATE SET allowed = $allowed, set_at = $at",
        ("$path", path), ("$allowed", allowed ? 1 : 0), ("$at", Instant.Text(change.Now)));

    private static (string Path, bool Allowed) Map(SqliteDataReader row) => (row.GetString(0), row.GetInt64(1) != 0);
}
