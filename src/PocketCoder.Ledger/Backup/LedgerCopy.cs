using System.Globalization;
using Microsoft.Data.Sqlite;
using PocketCoder.Platform;

namespace PocketCoder.Ledger;

/// <summary>
/// Copies an open ledger with VACUUM INTO (https://www.sqlite.org/lang_vacuum.html): one consistent snapshot, compacted,
/// while writes go on. The copy is stamped, so that a ledger that goes on from it says so.
/// </summary>
internal static class LedgerCopy
{
    public const string Stamp = "backup_at";
    private const int KeptBeforeUpdate = 3;

    /// <summary>Makes the copy under a temporary name, lets <paramref name="check"/> look at it, and only then gives it its name.</summary>
    /// <exception cref="LedgerException">Writing failed, or there is already a file of that name.</exception>
    public static void Make(SqliteConnection source, string target, DateTimeOffset at, Action<string> check)
    {
        if (File.Exists(target))
        {
            throw new LedgerException(LedgerError.Io, $"{target} already exists; a backup never overwrites");
        }

        var folder = Path.GetDirectoryName(target);
        if (!Directory.Exists(folder))
        {
            throw new LedgerException(LedgerError.Io, $"the folder {folder} does not exist");
        }

        var partial = target + ".partial";
        try
        {
            // VACUUM INTO accepts an empty file, which has the right mode from its first byte on.
            PrivateFile.CreateEmpty(partial);
            Run(source, "VACUUM INTO $target", ("$target", partial));
            using (var copy = DatabaseFile.OpenCopy(partial))
            {
                Run(copy, $"INSERT OR REPLACE INTO ledger_meta (name, value) VALUES ('{Stamp}', $at)",
                    ("$at", at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)));
            }

            check(partial);
            using (var file = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite))
            {
                file.Flush(flushToDisk: true);
            }

            if (!PrivateFile.TryMoveNew(partial, target))
            {
                throw new IOException($"'{target}' is there already");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LedgerException(LedgerError.Io, $"the backup could not be written: {e.Message}", e);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>The copy made before a migration of an existing ledger; the newest three are kept.</summary>
    public static void BeforeUpdate(SqliteConnection source, string path, DateTimeOffset at)
    {
        var prefix = Path.GetFileName(path) + ".before-update-";
        Make(source, Path.Combine(Path.GetDirectoryName(path)!,
            prefix + at.UtcDateTime.ToString("yyyyMMdd'T'HHmmssfff'Z'", CultureInfo.InvariantCulture)), at, _ => { });
        var old = Directory.GetFiles(Path.GetDirectoryName(path)!, prefix + "*").Order(StringComparer.Ordinal).ToArray();
        foreach (var file in old.SkipLast(KeptBeforeUpdate))
        {
            File.Delete(file);
        }
    }

    private static void Run(SqliteConnection connection, string sql, (string Name, string Value) parameter)
    {
        try
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.Parameters.AddWithValue(parameter.Name, parameter.Value);
            command.ExecuteNonQuery();
        }
        catch (SqliteException e)
        {
            throw SqliteFailure.From(e);
        }
    }
}
