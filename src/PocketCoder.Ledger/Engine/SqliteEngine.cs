using System.Runtime.InteropServices;
using SQLitePCL;

namespace PocketCoder.Ledger;

/// <summary>
/// Binds the managed provider to the system's SQLite, so that the distribution's security updates reach it.
/// Loaded once a process; thread-safe.
/// </summary>
internal static class SqliteEngine
{
    /// <summary>3.35 (March 2021) brought RETURNING, and has VACUUM INTO and UPSERT, all used here.</summary>
    public const int MinimumVersion = 3_035_000;

    private static readonly Lazy<(LedgerError Error, string Message)?> s_failure = new(Load);

    /// <exception cref="LedgerException"><see cref="LedgerError.EngineMissing"/> or <see cref="LedgerError.EngineTooOld"/>.</exception>
    public static void EnsureLoaded()
    {
        if (s_failure.Value is { } failure)
        {
            throw new LedgerException(failure.Error, failure.Message);
        }
    }

    internal static (LedgerError Error, string Message)? CheckVersion(int version, bool threads)
    {
        if (version < MinimumVersion)
        {
            var text = $"{version / 1_000_000}.{version / 1000 % 1000}.{version % 1000}";
            return (LedgerError.EngineTooOld, $"SQLite {text} is too old, 3.35 or newer is needed: {InstallHint}");
        }

        return threads ? null : (LedgerError.EngineTooOld, $"this SQLite was built without thread safety: {InstallHint}");
    }

    private static (LedgerError Error, string Message)? Load()
    {
        var library = LoadFirst(LibraryNames);
        if (library == 0)
        {
            return (LedgerError.EngineMissing, $"SQLite was not found (tried {string.Join(", ", LibraryNames)}): {InstallHint}");
        }

        NativeLibrary.SetDllImportResolver(
            typeof(SQLite3Provider_e_sqlite3).Assembly,
            (name, _, _) => name == "e_sqlite3" ? library : 0);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        return CheckVersion(raw.sqlite3_libversion_number(), raw.sqlite3_threadsafe() != 0);
    }

    internal static nint LoadFirst(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, out var handle))
            {
                return handle;
            }
        }

        return 0;
    }

    private static string[] LibraryNames
        => OperatingSystem.IsWindows() ? ["winsqlite3.dll"]
            : OperatingSystem.IsMacOS() ? ["/usr/lib/libsqlite3.dylib", "libsqlite3.dylib"]
            : ["libsqlite3.so.0", "libsqlite3.so"];

    private static string InstallHint
        => OperatingSystem.IsWindows() ? "update Windows (winsqlite3.dll is part of it)"
            : OperatingSystem.IsMacOS() ? "update macOS, or `brew install sqlite`"
            : "install it (Debian, Ubuntu: `apt install libsqlite3-0`; Fedora: `dnf install sqlite-libs`; Alpine: `apk add sqlite-libs`)";
}
