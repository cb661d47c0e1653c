using System.Globalization;
using System.Runtime.InteropServices;
using PocketCoder.Sandboxes.Limits;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>What a sandbox may keep on disk; see <see cref="SandboxLimits"/>. 0: not watched.</summary>
internal sealed record DiskLimits(long Own, long ProjectGrowth, long Files);

/// <summary>
/// Looks now and then, while commands run, at how much a session keeps in its own /tmp and home and by how much its project has grown, in
/// bytes and in files. Above a bound its commands are ended. No kernel holds these bounds: quota needs a file system made for it.
/// </summary>
/// <param name="own">The session's /tmp and home.</param>
/// <param name="project">Null: not watched.</param>
#pragma warning disable CA1001 // the cancellation source has no timer and no handle: nothing to give back
internal sealed class DiskWatch(IReadOnlyList<string> own, string? project, DiskLimits limits, SandboxOptions options)
#pragma warning restore CA1001
{
    /// <summary>A file system that has moved by less than this part of a bound has nothing new to count.</summary>
    private const int Step = 16;

    /// <summary>After so many looks everything is counted although the file system says that nothing moved.</summary>
    private const int EveryLook = 30;

    private readonly Lock _gate = new(); // guards running, looping
    private readonly HashSet<ILimited> _running = [];
    private readonly CancellationTokenSource _stop = new();
    private bool _looping;
    private readonly Lazy<Task<Held>> _before = new(() => Task.Run(() => project is null ? default : Measure(project)));
    private readonly Dictionary<string, FileSystemUse> _counted = new(StringComparer.Ordinal);
    private int _looks;

    /// <summary>How long a first command may wait for its project to be counted; in a huge one the count then goes on beside it.</summary>
    private static readonly TimeSpan s_firstCount = TimeSpan.FromSeconds(1);

    /// <summary>Counts the project as it is before the first command; call it before that starts.</summary>
    public Task BeginAsync() => project is null || _before is { IsValueCreated: true, Value.IsCompleted: true } ? Task.CompletedTask
        : Task.WhenAny(_before.Value, Task.Delay(s_firstCount, options.Time));

    public void Watch(ILimited exec)
    {
        lock (_gate)
        {
            _running.Add(exec);
            if (!_looping)
            {
                _looping = true;
                _ = Task.Run(LoopAsync);
            }
        }

        _ = exec.Over.ContinueWith(
            _ =>
            {
                lock (_gate)
                {
                    _running.Remove(exec);
                }
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    public void Stop() => _stop.Cancel();

    /// <summary>Bytes and entries in these folders. Links are not followed; what vanishes meanwhile is not counted.</summary>
    internal static Held Measure(params ReadOnlySpan<string> folders)
    {
        var look = new EnumerationOptions
        { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None };
        long bytes = 0, files = 0;
        foreach (var folder in folders)
        {
            try
            {
                // A link to a folder is an entry and not gone into.
                var entries = new System.IO.Enumeration.FileSystemEnumerable<long>(
                    folder,
                    static (ref System.IO.Enumeration.FileSystemEntry entry) => entry.IsDirectory
                        || (entry.Attributes & FileAttributes.ReparsePoint) != FileAttributes.None ? 0 : entry.Length,
                    look)
                {
                    ShouldRecursePredicate = static (ref System.IO.Enumeration.FileSystemEntry entry) =>
                        (entry.Attributes & FileAttributes.ReparsePoint) == FileAttributes.None,
                };
                foreach (var length in entries)
                {
                    bytes += length;
                    files++;
                }
            }
            catch (IOException)
            {
                // gone: it holds nothing
            }
        }

        return new(bytes, files);
    }

    private async Task LoopAsync()
    {
        try
        {
            var first = await _before.Value;
            while (true)
            {
                await Task.Delay(options.DiskWatchPeriod, options.Time, _stop.Token);
                List<ILimited> now;
                lock (_gate)
                {
                    if (_running.Count == 0)
                    {
                        _looping = false;
                        return;
                    }

                    now = [.. _running];
                }

                if (Excess(first) is { } why)
                {
                    await Task.WhenAll(now.Select(e => e.EndAsync(why)));
                }
            }
        }
        catch (OperationCanceledException)
        {
            // the session ends
        }
    }

    /// <summary>Which bound is broken; null: none, as far as it is known.</summary>
    private string? Excess(Held first)
    {
        _looks++;
        var mine = new Held(0, 0);
        if (own.Any(HasMoved))
        {
            mine = Measure([.. own]);
            if (!IsOver(mine.Bytes, limits.Own) && !IsOver(mine.Files, limits.Files))
            {
                foreach (var folder in own)
                {
                    Remember(folder);
                }
            }
        }

        if (IsOver(mine.Bytes, limits.Own))
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"/tmp and the home of this sandbox hold {mine.Bytes >> 20} MiB; the limit is {limits.Own >> 20}. Delete some of it.");
        }

        var grown = new Held(0, 0);
        if (project is not null && HasMoved(project))
        {
            var (bytes, files) = Measure(project);
            grown = new(bytes - first.Bytes, files - first.Files);
            if (!IsOver(grown.Bytes, limits.ProjectGrowth) && !IsOver(grown.Files, limits.Files))
            {
                Remember(project);
            }
        }

        if (IsOver(grown.Bytes, limits.ProjectGrowth))
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"the project grew by {grown.Bytes >> 20} MiB in this session; the limit is {limits.ProjectGrowth >> 20}. Delete some of it.");
        }

        return IsOver(mine.Files, limits.Files) || IsOver(grown.Files, limits.Files)
            ? string.Create(CultureInfo.InvariantCulture,
                $"{Math.Max(mine.Files, grown.Files)} files were created in this session; the limit is {limits.Files}. Delete some of them.")
            : null;
    }

    private static bool IsOver(long value, long limit) => limit > 0 && value > limit;

    private void Remember(string folder)
    {
        if (FileSystemUse.Of(folder) is { } use)
        {
            _counted[folder] = use;
        }
    }

    private bool HasMoved(string folder)
        => _looks % EveryLook == 0
            || !_counted.TryGetValue(folder, out var then)
            || FileSystemUse.Of(folder) is not { } now
            || now.UsedBytes - then.UsedBytes > (folder == project ? limits.ProjectGrowth : limits.Own) / Step
            || now.UsedFiles - then.UsedFiles > limits.Files / Step;

    /// <summary>What folders hold.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Held(long Bytes, long Files);
}
