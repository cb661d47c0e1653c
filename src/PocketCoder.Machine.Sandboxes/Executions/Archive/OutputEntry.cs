using System.Buffers;
using PocketCoder.Broker.Secrets;

namespace PocketCoder.Machine.Executions.Archive;

/// <summary>
/// The kept output of a command. Secrets are taken out before anything is written: what is kept for days is read by people, agents and
/// backups, and encryption would only move the question to the key beside it. Each of the two outputs by itself, since they cut into each
/// other. Not thread-safe.
/// </summary>
public sealed class OutputEntry(ArchiveEntry entry, Redactor redactor) : IDisposable
{
    private readonly RedactedStream _output = redactor.OpenStream();
    private readonly RedactedStream _errors = redactor.OpenStream();
    private readonly ArrayBufferWriter<byte> _shown = new();
    private long _received;

    /// <summary>Bytes that the command wrote, with its secrets.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Bytes of what is left of it, those included that no longer had room.</summary>
    public long Shown => entry.Total;

    /// <summary>Takes what the command wrote.</summary>
    /// <param name="writing">Told how many bytes will be added for it, before they are; fewer or none while the beginning of a secret is
    /// held back.</param>
    public void Append(bool error, ReadOnlySpan<byte> bytes, Action<bool, int>? writing = null)
    {
        Interlocked.Add(ref _received, bytes.Length);
        _shown.ResetWrittenCount();
        (error ? _errors : _output).Write(bytes, _shown);
        Write(error, writing);
    }

    /// <summary>No more comes: what was held back is written.</summary>
    public void Complete(Action<bool, int>? writing = null)
    {
        foreach (var error in (bool[])[false, true])
        {
            _shown.ResetWrittenCount();
            (error ? _errors : _output).Complete(_shown);
            Write(error, writing);
        }
    }

    public void Dispose() => entry.Dispose();

    private void Write(bool error, Action<bool, int>? writing)
    {
        if (_shown.WrittenCount > 0)
        {
            writing?.Invoke(error, _shown.WrittenCount);
            entry.Append(_shown.WrittenSpan);
        }
    }
}
