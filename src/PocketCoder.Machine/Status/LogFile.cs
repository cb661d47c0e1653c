using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Secrets;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Status;

/// <summary>
/// The daemon's log: one JSON object a line (<c>at level category event message error</c>), mode 0600, 10 MiB a file and five of them
/// (<c>daemon.log</c>, then <c>daemon.log.1</c> the newest old one). Callers never wait: a bounded queue with one writer; what
/// does not fit is counted and the count is logged. Scopes are not written. Thread-safe.
/// </summary>
public sealed class LogFile : ILoggerFactory, IAsyncDisposable
{
    /// <summary>Files kept, the current one included.</summary>
    public const int Files = 5;

    private const int QueueLength = 4096;
    private const long DefaultFileBytes = 10 * 1024 * 1024;

    private readonly string _path;
    private readonly LogLevel _level;
    private Action<string>? _echo;
    private readonly TimeProvider _time;
    private readonly long _fileBytes;
    private readonly Channel<Line> _queue = Channel.CreateBounded<Line>(
        new BoundedChannelOptions(QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly Lazy<Task> _writer; // begins with the first line
    private long _dropped;

    /// <param name="path">Its folder exists.</param>
    /// <param name="secrets">Taken out of messages and errors before they are written.</param>
    /// <param name="echo">Also given every line as it stands in the file, for a daemon in the foreground. When it fails (the terminal is
    /// gone) it is not asked again.</param>
    /// <param name="fileBytes">A file that has reached this size is rotated before the next line.</param>
    public LogFile(string path, LogLevel level, TimeProvider time, KnownSecrets secrets, Action<string>? echo = null,
        long fileBytes = DefaultFileBytes)
    {
        (_path, _level, _time, Secrets, _echo, _fileBytes) = (path, level, time, secrets, echo, fileBytes);
        _writer = new(() => Task.Run(WriteAsync));
    }

    /// <summary>What is taken out of messages and errors.</summary>
    public KnownSecrets Secrets { get; }

    /// <summary>Reads <c>LOG_LEVEL</c>: trace, debug, info, warn, error, fatal (case doesn't matter). Anything else is info.</summary>
    public static LogLevel LevelFrom(string? text) => TryLevel(text) ?? LogLevel.Information;

    /// <summary>Null: it is no level.</summary>
    public static LogLevel? TryLevel(string? text) => text?.Trim().ToLowerInvariant() switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "warn" or "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "fatal" or "critical" => LogLevel.Critical,
        "none" => LogLevel.None,
        "info" or "information" => LogLevel.Information,
        _ => null,
    };

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("This log has one place to write to.");

    /// <summary>Writes what is queued and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _ = _queue.Writer.TryComplete();
        if (_writer.IsValueCreated)
        {
            await _writer.Value;
        }
    }

    /// <summary>Stops taking lines; use <see cref="DisposeAsync"/> to wait until all are written.</summary>
    public void Dispose() => _queue.Writer.TryComplete();

    internal static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    private void Add(Line line)
    {
        _ = _writer.Value;
        if (!_queue.Writer.TryWrite(line))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    private async Task WriteAsync()
    {
        FileStream? file = null;
        var buffer = new MemoryStream();
        try
        {
            await foreach (var line in _queue.Reader.ReadAllAsync())
            {
                if (Interlocked.Exchange(ref _dropped, 0) is var dropped and > 0)
                {
                    Format(buffer, new Line(
                        _time.GetUtcNow(), LogLevel.Warning, "PocketCoder.Log", 1, $"{dropped} lines did not fit and were dropped", null));
                }

                Format(buffer, line);
                if (_queue.Reader.TryPeek(out _) && buffer.Length < 64 * 1024)
                {
                    continue; // more is coming: one write for all
                }

                try
                {
                    file = Rotate(file);
                    file.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
                    file.Flush();
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // A full disk must not stop the daemon; the lines are lost, and that is counted.
                    Interlocked.Increment(ref _dropped);
                    file?.Dispose();
                    file = null;
                }

                buffer.SetLength(0);
            }
        }
        finally
        {
            file?.Dispose();
        }
    }

    private FileStream Rotate(FileStream? file)
    {
        file ??= PrivateFile.Open(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        if (file.Position < _fileBytes)
        {
            return file;
        }

        file.Dispose();
        for (var i = Files - 1; i > 0; i--)
        {
            var older = i == 1 ? _path : $"{_path}.{i - 1}";
            if (File.Exists(older))
            {
                File.Move(older, $"{_path}.{i}", overwrite: true);
            }
        }

        return PrivateFile.Open(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
    }

    private void Format(MemoryStream buffer, Line line)
    {
        var start = (int)buffer.Length;
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("at"u8, line.At.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ"));
            json.WriteString("level"u8, NameOf(line.Level));
            json.WriteString("category"u8, line.Category);
            json.WriteNumber("event"u8, line.Event);
            json.WriteString("message"u8, Secrets.Redact(line.Message));
            if (line.Error is not null)
            {
                json.WriteString("error"u8, Secrets.Redact(line.Error));
            }

            json.WriteEndObject();
        }

        Echo(buffer.GetBuffer().AsSpan(start, (int)buffer.Length - start));
        buffer.WriteByte((byte)'\n');
    }

    private void Echo(ReadOnlySpan<byte> line)
    {
        try
        {
            _echo?.Invoke(Encoding.UTF8.GetString(line));
        }
        catch (IOException)
        {
            _echo = null; // nobody looks any more; the file goes on
        }
    }

    private readonly record struct Line(DateTimeOffset At, LogLevel Level, string Category, int Event, string Message, string? Error);

    private sealed class Logger(LogFile log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log._level && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log.Add(new Line(log._time.GetUtcNow(), logLevel, category, eventId.Id, formatter(state, exception),
                    exception?.ToString()));
            }
        }
    }
}
