using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Testing;

/// <summary>Keeps what a daemon under test logs, for assertions and for the failure report.</summary>
public sealed class TestLog : ILoggerFactory
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public override string ToString() => string.Join('\n', Lines);

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("A test log keeps lines and passes nothing on.");

    public void Dispose()
    {
        // Nothing is held.
    }

    private sealed class Logger(TestLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => log.Lines.Enqueue($"{logLevel} {category}: {formatter(state, exception)}{(exception is null ? "" : "\n" + exception)}");
    }
}
