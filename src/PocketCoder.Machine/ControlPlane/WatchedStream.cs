namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// An answer of the daemon that is read piece by piece: each read ends when the daemon shows no sign of life. One reader.
/// </summary>
internal sealed class WatchedStream(HttpResponseMessage response, Stream body, DaemonWatch watch) : IDisposable
{
    private readonly StreamReader _lines = new(body);

    /// <returns>0 at the end.</returns>
    /// <exception cref="DaemonNotAnswering">The daemon gave no sign of life for too long.</exception>
    public Task<int> ReadAsync(Memory<byte> buffer, CancellationToken ct)
        => watch.WaitAsync(token => body.ReadAsync(buffer, token).AsTask(), Timeout.InfiniteTimeSpan, ct);

    /// <returns>Null at the end, or when the daemon died in the middle of a line.</returns>
    /// <exception cref="DaemonNotAnswering">The daemon gave no sign of life for too long.</exception>
    public Task<string?> ReadLineAsync(CancellationToken ct) => watch.WaitAsync(LineAsync, Timeout.InfiniteTimeSpan, ct);

    public void Dispose()
    {
        _lines.Dispose();
        response.Dispose();
    }

    private async Task<string?> LineAsync(CancellationToken ct)
    {
        try
        {
            return await _lines.ReadLineAsync(ct);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return null;
        }
    }
}
