using System.Globalization;
using System.Text.Json;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.Status;

namespace PocketCoder.Cli.Commands;

/// <summary>Reads the daemon's log files, also while they are written and rotated.</summary>
internal static class LogReader
{
    /// <summary>The last lines over all files, oldest first.</summary>
    public static IReadOnlyList<string> Tail(string path, int count)
    {
        var lines = new LinkedList<string>();
        for (var i = 0; i < LogFile.Files && lines.Count < count; i++)
        {
            var file = i == 0 ? path : $"{path}.{i}";
            if (!File.Exists(file))
            {
                continue;
            }

            using var reader = new StreamReader(Open(file));
            var own = new Queue<string>();
            while (reader.ReadLine() is { } line)
            {
                own.Enqueue(line);
                if (own.Count > count - lines.Count)
                {
                    own.Dequeue();
                }
            }

            foreach (var line in own.Reverse())
            {
                lines.AddFirst(line);
            }
        }

        return [.. lines];
    }

    /// <summary>Every line written from now on, over rotations, until cancelled.</summary>
    /// <param name="following">Called once the place from which lines are followed is fixed.</param>
    public static async Task FollowAsync(string path, TimeSpan interval, Action<string> show, Action following, CancellationToken ct)
    {
        var file = OpenIfThere(path);
        file?.Seek(0, SeekOrigin.End);
        following();
        var partial = new MemoryStream();
        try
        {
            while (true)
            {
                file ??= OpenIfThere(path);
                if (file is not null)
                {
                    // Looked at first: what was written to the old file before the rotation is still read from it.
                    var rotated = IsRotated(file, path);
                    Drain(file, partial, show);
                    if (rotated)
                    {
                        await file.DisposeAsync();
                        file = null;
                        continue;
                    }
                }

                await Task.Delay(interval, ct);
            }
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>Of the last lines those written since, without what an exception said beside the message.</summary>
    public static IReadOnlyList<string> Since(string path, DateTimeOffset since, int count)
    {
        var lines = new List<string>();
        foreach (var line in Tail(path, count))
        {
            try
            {
                using var json = JsonDocument.Parse(line);
                var at = DateTimeOffset.Parse(json.RootElement.GetProperty("at").GetString()!, CultureInfo.InvariantCulture);
                if (at >= since)
                {
                    lines.Add(Untrusted.Show(
                        $"{at.ToLocalTime():HH:mm:ss} {json.RootElement.GetProperty("level").GetString()} {json.RootElement.GetProperty("message").GetString()}"));
                }
            }
            catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException
                or ArgumentException)
            {
                // no log line
            }
        }

        return lines;
    }

    /// <summary>One line for people; what is no log line is shown as it is.</summary>
    public static string Show(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            var at = DateTimeOffset.Parse(root.GetProperty("at").GetString()!, CultureInfo.InvariantCulture);
            var error = root.TryGetProperty("error", out var text) ? $"  {text.GetString()}" : "";
            return $"{at.ToLocalTime():MM-dd HH:mm:ss} {Untrusted.Show(root.GetProperty("level").GetString() ?? ""),-5} {Untrusted.Show($"{root.GetProperty("message").GetString()}{error}")}";
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException
            or ArgumentException)
        {
            return Untrusted.Show(line);
        }
    }

    private static void Drain(FileStream file, MemoryStream partial, Action<string> show)
    {
        int next;
        var buffer = new byte[64 * 1024];
        while ((next = file.Read(buffer)) > 0)
        {
            foreach (var b in buffer.AsSpan(0, next))
            {
                if (b == '\n')
                {
                    show(System.Text.Encoding.UTF8.GetString(partial.GetBuffer(), 0, (int)partial.Length));
                    partial.SetLength(0);
                }
                else
                {
                    partial.WriteByte(b);
                }
            }
        }
    }

    /// <summary>
    /// Whether the open file no longer has that name. Its size alone would not tell: the new file may have grown past it.
    /// </summary>
    private static bool IsRotated(FileStream file, string path)
    {
        var name = OperatingSystem.IsLinux() ? new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget : null;
        if (name is not null && Path.GetFileName(name) != Path.GetFileName(path))
        {
            return true;
        }

        try
        {
            return new FileInfo(path).Length < file.Position;
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return true; // renamed in this moment, and the next one is not there yet
        }
    }

    private static FileStream? OpenIfThere(string path)
    {
        try
        {
            return Open(path);
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
}
