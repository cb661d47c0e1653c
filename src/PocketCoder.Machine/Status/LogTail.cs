using System.Text.Json;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Status;

/// <summary>
/// The last lines of the daemon's log files, read from their ends while they are written and rotated. The files hold no secret that was
/// known when they were written; one that became known since is taken out here. Thread-safe.
/// </summary>
/// <param name="path">The current file; older ones stand beside it (<see cref="LogFile"/>).</param>
internal sealed class LogTail(string path, Func<string, string> redact)
{
    private const byte LineEnd = (byte)'\n';

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public MachineLogsResponse Read(MachineLogsRequest request)
    {
        if (request.Lines is < 1 or > MachineLogLimits.Lines)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"lines must be 1–{MachineLogLimits.Lines}.");
        }

        var found = new List<MachineLogLine>(); // the newest first
        var scan = MachineLogLimits.ScannedBytes;
        var text = MachineLogLimits.AnswerLength;
        var more = false;
        for (var i = 0; i < LogFile.Files && !more; i++)
        {
            if (End(i == 0 ? path : $"{path}.{i}", scan) is not { } end)
            {
                continue;
            }

            scan -= end.Bytes.Length;
            more = !Take(end.Bytes, request, found, ref text) || end.IsCut;
        }

        found.Reverse();
        return new MachineLogsResponse(found, more);
    }

    /// <summary>Adds what a file's end holds. False: the answer is full.</summary>
    private bool Take(ReadOnlySpan<byte> bytes, MachineLogsRequest request, List<MachineLogLine> found, ref int text)
    {
        var end = bytes.Length;
        while (end > 0)
        {
            var begin = bytes[..(end - 1)].LastIndexOf(LineEnd) + 1;
            // A line that can't be parsed is one of which only a part is here: at the scan's beginning, or still being written.
            if (Parse(bytes[begin..end]) is { } line && line.Level >= request.Level)
            {
                text -= line.Message.Length + (line.Error?.Length ?? 0);
                if (found.Count == request.Lines || text < 0)
                {
                    return false;
                }

                found.Add(line);
            }

            end = begin;
        }

        return true;
    }

    private MachineLogLine? Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes);
            using var json = JsonDocument.ParseValue(ref reader);
            var line = json.RootElement;
            return new MachineLogLine(
                line.GetProperty("at").GetDateTimeOffset(),
                Level(line.GetProperty("level").GetString()),
                Shown(line.GetProperty("category").GetString()),
                line.GetProperty("event").GetInt32(),
                Shown(line.GetProperty("message").GetString()),
                line.TryGetProperty("error", out var error) ? Shown(error.GetString()) : null);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private string Shown(string? text)
    {
        var redacted = redact(text ?? ""); // before it is cut, so that no half of a secret is left
        return redacted.Length <= MachineLogLimits.TextLength ? redacted : $"{redacted[..MachineLogLimits.TextLength]}…";
    }

    private static MachineLogLevel Level(string? name) => name switch
    {
        "trace" => MachineLogLevel.Trace,
        "debug" => MachineLogLevel.Debug,
        "info" => MachineLogLevel.Info,
        "warn" => MachineLogLevel.Warn,
        "error" => MachineLogLevel.Error,
        _ => MachineLogLevel.Fatal,
    };

    /// <summary>The end of a file, at most so many bytes; null: it is not there.</summary>
    private static (byte[] Bytes, bool IsCut)? End(string file, int most)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = stream.Length;
            var begin = Math.Max(0, length - most);
            stream.Position = begin;
            var bytes = new byte[length - begin];
            var read = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return (bytes[..read], begin > 0);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null; // there are not that many yet, or it was rotated just now
        }
    }
}
