using PocketCoder.Processes;

namespace PocketCoder.Hands;

/// <summary>
/// Reads a command's output to the end: live to whoever listens, whole to disk, and head and tail for the agent. Where the sandbox itself
/// writes to disk (<see cref="ISandboxExec.SpoolDirectory"/>) this does not write a second time. Thread-safe after construction.
/// </summary>
public sealed class CommandSpool
{
    /// <summary>Bytes of output that an agent gets, unless told otherwise.</summary>
    public const int DefaultLimit = 300 * 1024;

    private const int PieceSize = 16 << 10;

    private readonly ISandboxExec exec;
    private readonly OutputCapture both;
    private readonly OutputCapture output;
    private readonly OutputCapture errors;
    private readonly Func<OutputPiece, ValueTask>? onPiece;

    private CommandSpool(ISandboxExec exec, int limit, Func<OutputPiece, ValueTask>? onPiece)
    {
        this.exec = exec;
        this.onPiece = onPiece;
        both = new(limit);
        output = new(limit);
        errors = new(limit);
    }

    /// <summary>The directory with <c>stdout</c> and <c>stderr</c>, or null when nothing is kept.</summary>
    public string? Directory { get; private init; }

    /// <summary>When both outputs are at their end and the command is over. Faults only when the spool can't be written (<see cref="IOException"/>) or <c>onPiece</c> throws; the command is killed then.</summary>
    public Task<ExecOutcome> Completed { get; private set; } = null!;

    /// <summary>Head and tail of both outputs in the order in which they came.</summary>
    public string Text => both.ToString();

    public string StandardOutputText => output.ToString();

    public string StandardErrorText => errors.ToString();

    /// <summary>Whether <see cref="Text"/> leaves something out.</summary>
    public bool IsTruncated => both.IsTruncated;

    /// <summary>Bytes of both outputs so far.</summary>
    public long Length => both.Total;

    /// <summary>Starts reading. Call at once: until then the command's pipes fill.</summary>
    /// <param name="directory">An existing directory to write to; ignored where the sandbox writes itself, null for none.</param>
    /// <param name="limit">Bytes of head and tail kept of each.</param>
    /// <param name="onPiece">Gets each piece as it comes, one at a time an output. While it does not return, the command waits.</param>
    public static CommandSpool Start(ISandboxExec exec, string? directory = null, int limit = DefaultLimit, Func<OutputPiece, ValueTask>? onPiece = null)
    {
        var spool = new CommandSpool(exec, limit, onPiece) { Directory = exec.SpoolDirectory ?? directory };
        var own = exec.SpoolDirectory is null ? directory : null;
        spool.Completed = spool.RunAsync(own);
        return spool;
    }

    private async Task<ExecOutcome> RunAsync(string? directory)
    {
        await Task.WhenAll(
            ReadOrKillAsync(exec.StandardOutput, output, isError: false, directory is null ? null : Path.Combine(directory, "stdout")),
            ReadOrKillAsync(exec.StandardError, errors, isError: true, directory is null ? null : Path.Combine(directory, "stderr")));
        return await exec.Exited;
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
            await exec.KillAsync(TimeSpan.Zero);
            throw;
        }
    }

    private async Task ReadAsync(Stream source, OutputCapture capture, bool isError, string? path)
    {
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var file = path is null
            ? null
            : new FileStream(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.Read, UnixCreateMode = ownerOnly, BufferSize = 0 });
        var buffer = new byte[PieceSize];
        int read;
        while ((read = await source.ReadAsync(buffer)) > 0)
        {
            var piece = buffer.AsMemory(0, read);
            capture.Append(piece.Span);
            both.Append(piece.Span);
            if (file is not null)
            {
                await file.WriteAsync(piece);
            }

            if (onPiece is not null)
            {
                await onPiece(new OutputPiece(isError, piece));
            }
        }
    }
}

/// <param name="Bytes">Valid until the call returns.</param>
public readonly record struct OutputPiece(bool IsError, ReadOnlyMemory<byte> Bytes);
