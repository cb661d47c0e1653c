using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>How a connection ends from outside: once, with the first reason that was given. Thread-safe.</summary>
internal static class ConnectionEnd
{
    public static void Set(ref WireError? reason, CancellationTokenSource end, ErrorCode code, string message)
    {
        Interlocked.CompareExchange(ref reason, new WireError(code, message), null);
        try
        {
            end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself meanwhile.
        }
    }
}
