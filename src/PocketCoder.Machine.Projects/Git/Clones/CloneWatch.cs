using System.IO.Enumeration;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git.Clones;

/// <summary>Ends a clone that takes more than it may: time, bytes, files, the disk's last room.</summary>
/// <param name="end">Called once, from a timer, with the reason.</param>
internal sealed class CloneWatch(string folder, CloneLimits limits, Action<RequestFailure> end, TimeProvider time) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task _looking = Task.CompletedTask;

    public void Begin() => _looking = Task.Run(LookAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _looking;
        _stop.Dispose();
    }

    /// <exception cref="RequestFailure">STORAGE_FULL</exception>
    public static void RequireRoom(string folder, CloneLimits limits)
    {
        if (IsFull(folder, limits))
        {
            throw NoRoom(limits);
        }
    }

    private async Task LookAsync()
    {
        var began = time.GetTimestamp();
        using var timer = new PeriodicTimer(limits.Look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (Excess(time.GetElapsedTime(began)) is { } why)
                {
                    end(why);
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // it is over
        }
    }

    private RequestFailure? Excess(TimeSpan elapsed)
    {
        if (elapsed > limits.Time)
        {
            return new RequestFailure(
                ErrorCode.CommandTimeout,
                $"It took longer than {limits.Time.TotalMinutes:0} minutes and was ended. Clone it at the machine, and add the folder here.");
        }

        if (IsFull(folder, limits))
        {
            return NoRoom(limits);
        }

        var (bytes, files) = Measure(folder);
        return bytes > limits.Bytes
            ? new RequestFailure(
                ErrorCode.FileTooLarge,
                $"It is larger than {limits.Bytes >> 20} MiB, which is what a clone from a device may hold. Clone it at the machine, and add the folder here.")
            : files > limits.Files
                ? new RequestFailure(
                    ErrorCode.FileTooLarge,
                    $"It has more than {limits.Files} files, which is what a clone from a device may hold. Clone it at the machine, and add the folder here.")
                : null;
    }

    /// <summary>Links are not followed; what vanishes meanwhile is not counted.</summary>
    private static (long Bytes, long Files) Measure(string folder)
    {
        long bytes = 0, files = 0;
        var look = new EnumerationOptions
        { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None };
        try
        {
            var entries = new FileSystemEnumerable<long>(
                folder,
                static (ref FileSystemEntry entry) => entry.IsDirectory || IsLink(ref entry) ? 0 : entry.Length,
                look)
            { ShouldRecursePredicate = static (ref FileSystemEntry entry) => !IsLink(ref entry) };
            foreach (var length in entries)
            {
                bytes += length;
                files++;
            }
        }
        catch (IOException)
        {
            // a part of it went away: the next look counts again
        }

        return (bytes, files);
    }

    private static bool IsLink(ref FileSystemEntry entry) => (entry.Attributes & FileAttributes.ReparsePoint) != FileAttributes.None;

    private static bool IsFull(string folder, CloneLimits limits)
    {
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace < limits.Free;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // not known: git says so when it is full
        }
    }

    private static RequestFailure NoRoom(CloneLimits limits) => new(
        ErrorCode.StorageFull,
        $"Less than {limits.Free >> 20} MiB are free on that disk of the machine. Free some space, or choose a folder on another disk.");
}
