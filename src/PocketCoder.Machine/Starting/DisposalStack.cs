using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Machine.Starting;

/// <summary>
/// Owns the parts of the daemon and disposes of them in reverse order of construction, so that no part outlives one that it was given. Each
/// part is disposed once, also when another one fails. Parts are added by one thread.
/// </summary>
internal sealed partial class DisposalStack(ILogger log) : IAsyncDisposable
{
    private readonly Stack<object> _parts = new();

    /// <summary>Takes a part over, right after it was made.</summary>
    /// <returns>The part.</returns>
    /// <exception cref="ArgumentException">It can't be disposed.</exception>
    public T Own<T>(T part)
        where T : class
    {
        _parts.Push(part is IAsyncDisposable or IDisposable ? part
            : throw new ArgumentException($"{typeof(T).Name} can't be disposed.", nameof(part)));
        return part;
    }

    /// <summary>
    /// Failures are logged, and thrown when every part is disposed: the only one, or an <see cref="AggregateException"/>.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        List<Exception> failures = [];
        while (_parts.TryPop(out var part))
        {
            try
            {
                if (part is IAsyncDisposable later)
                {
                    await later.DisposeAsync();
                }
                else
                {
                    ((IDisposable)part).Dispose();
                }
            }
            catch (Exception e) // whatever it is, the others are disposed all the same
            {
                LogFailed(log, part.GetType().Name, e);
                failures.Add(e);
            }
        }

        if (failures is [var only])
        {
            ExceptionDispatchInfo.Throw(only);
        }

        if (failures.Count > 0)
        {
            throw new AggregateException(failures);
        }
    }

    [LoggerMessage(EventId = 103, Level = LogLevel.Error, Message = "{Part} could not be disposed")]
    private static partial void LogFailed(ILogger logger, string part, Exception error);
}
