using Microsoft.Extensions.Logging;

namespace PocketCoder.Gateway.Hosting;

/// <summary>
/// The web server's own logs, warnings and worse only: below that it writes whole addresses with their query, which are the visitor's to
/// choose.
/// </summary>
internal sealed class ServerLogs(ILoggerFactory inner) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new Quiet(inner.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The daemon's log is set up by its owner.");

    public void Dispose()
    {
        // The factory is the caller's.
    }

    private sealed class Quiet(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null; // scopes carry the path

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && inner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
