using System.Buffers;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes;

/// <summary>
/// Reads a command's output to the end: live to whoever listens, whole to disk, and head and tail for the agent. Where the sandbox itself
/// writes to disk (<see cref="ISandboxExec.SpoolDirectory"/>) this does not write a second time. Thread-safe after construction.
/// </summary>
public sealed class CommandSpool
{
    /// <summary>Bytes of output that an agent gets, unless told otherwise.</summary>
    public const int DefaultLimit = 300 * 1024;

    private const int PieceSize = 16 << 10;

    private readonly ISandboxExec _exec;
    private readonly OutputCapture _both;
    private readonly OutputCapture _output;
    private readonly OutputCapture _errors;
    private readonly Func<IOutputFilter>? _filter;
    private readonly Func<OutputPiece, ValueTask>? _onPiece;

    private CommandSpool(ISandboxExec exec, int limit, Func<IOutputFilter>? filter, Func<OutputPiece, ValueTask>? onPiece)
    {
        _exec = exec;
        _filter = filter;
        _onPiece = onPiece;
        _both = new(limit);
        _output = new(limit);
        _errors = new(limit);
    }

    /// <summary>The directory with <c>stdout</c> and <c>stderr</c>, or null when nothing is kept.</summary>
    public string? Directory { get; private init; }

    /// <summary>
    /// When both outputs are at their end and the command is over. Faults only when the spool can't be written (<see cref="IOException"/>)
    /// or <c>onPiece</c> throws; the command is killed then.
    /// </summary>
    public Task<ExecOutcome> Completed { get; private set; } = null!;

    /// <summary>
    /// Head and tail of both outputs in the order in which they came, each through a filter of its own when there is one.
    /// </summary>
    public string Text => _both.ToString();

    public string StandardOutputText => _output.ToString();

    public string StandardErrorText => _errors.ToString();

    /// <summary>Whether <see cref="Text"/> leaves something out.</summary>
    public bool IsTruncated => _both.IsTruncated;

    /// <summary>Bytes of both outputs so far.</summary>
    public long Length => _output.Total + _errors.Total;

    /// <summary>Starts reading. Call at once: until then the command's pipes fill.</summary>
    /// <param name="directory">An existing directory to write to; ignored where the sandbox writes itself, null for none.</param>
    /// <param name="limit">Bytes of head and tail kept of each.</param>
    /// <param name="filter">
    /// Makes a filter for one output, which <see cref="Text"/> is made of: where two outputs cut into each other, nothing that must not be
    /// seen is found afterwards.
    /// </param>
    /// <param name="onPiece">Gets each piece as it comes, one at a time an output. While it does not return, the command waits.</param>
    public static CommandSpool Start(ISandboxExec exec, string? directory = null, int limit = DefaultLimit,
        Func<IOutputFilter>? filter = null, Func<OutputPiece, ValueTask>? onPiece = null)
    {
        var spool = new CommandSpool(exec, limit, filter, onPiece) { Directory = exec.SpoolDirectory ?? directory };
        var own = exec.SpoolDirectory is null ? directory : null;
        spool.Completed = spool.RunAsync(own);
        return spool;
    }

    private async Task<ExecOutcome> RunAsync(string? directory)
    {
        await Task.WhenAll(
            ReadOrKillAsync(_exec.StandardOutput, _output, isError: false, directory is null ? null : Path.Combine(directory, "stdout")),
            ReadOrKillAsync(_exec.StandardError, _errors, isError: true, directory is null ? null : Path.Combine(directory, "stderr")));
        return await _exec.Exited;
    }

    /// <summary>When one output can't be taken any more the command would wait for ever, and with it the reader of the other.</summary>
    private async Task ReadOrKillAsync(Stream source, OutputCapture capture, bool isError, string? path)
    {
        try
        {
            await ReadAsync(source, capture, isError, path);
        }
        catch
        {
            await _exec.KillAsync(TimeSpan.Zero);
            throw;
        }
    }

    private async Task ReadAsync(Stream source, OutputCapture capture, bool isError, string? path)
    {
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var file = path is null
            ? null
            : new FileStream(path, new FileStreamOptions
            { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.Read, UnixCreateMode = ownerOnly, BufferSize = 0 });
        var buffer = new byte[PieceSize];
        var own = _filter?.Invoke();
        var shown = new ArrayBufferWriter<byte>();
        int read;
        while ((read = await source.ReadAsync(buffer)) > 0)
        {
            var piece = buffer.AsMemory(0, read);
            capture.Append(piece.Span);
            AppendShown(piece.Span);
            if (file is not null)
            {
                await file.WriteAsync(piece);
            }

            if (_onPiece is not null)
            {
                await _onPiece(new OutputPiece(isError, piece));
            }
        }

        own?.Complete(shown);
        _both.Append(shown.WrittenSpan);

        void AppendShown(ReadOnlySpan<byte> piece)
        {
            if (own is null)
            {
                _both.Append(piece);
                return;
            }

            own.Write(piece, shown);
            _both.Append(shown.WrittenSpan);
            shown.ResetWrittenCount();
        }
    }
}

/// <summary>Takes out of one output what must not be seen in it; may hold back the beginning of that. One stream, one writer.</summary>
public interface IOutputFilter
{
    /// <summary>Takes the next piece and writes out what is certain.</summary>
    void Write(ReadOnlySpan<byte> piece, IBufferWriter<byte> shown);

    /// <summary>No more pieces: writes out what was held back.</summary>
    void Complete(IBufferWriter<byte> shown);
}

/// <param name="Bytes">Valid until the call returns.</param>
public readonly record struct OutputPiece(bool IsError, ReadOnlyMemory<byte> Bytes);
