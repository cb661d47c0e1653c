using System.Globalization;
using PocketCoder.Ledger;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary>What to do when PocketCoder can't start because the disk with its home is full.</summary>
internal static class FullDisk
{
    /// <summary>Linux's ENOSPC and EDQUOT, which an <see cref="IOException"/> carries as they are.</summary>
    private const int NoSpace = 28;
    private const int Quota = 122;

    /// <summary>Below this even what SQLite sets up beside the database has no room, which it tells as any failed write.</summary>
    private const long Room = 1 << 20;

    /// <summary>Null: it failed for another reason.</summary>
    public static string? Explain(Exception e, Home home)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is IOException { HResult: NoSpace or Quota } or LedgerException { Error: LedgerError.DiskFull }
                || (cause is LedgerException { Error: LedgerError.Io } && Free(home) < Room))
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"The disk is full: PocketCoder can't start, because it could not record anything. Nothing of its data is lost. Free at least 100 MB on the disk with {home.Root} ({Free(home) >> 20} MB are free), then run: pocketcoder start");
            }
        }

        return null;
    }

    private static long Free(Home home)
    {
        try
        {
            return new DriveInfo(home.Root).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return 0;
        }
    }
}
