using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.ControlPlane;

namespace PocketCoder.Cli.Attaching;

/// <summary>Joins the terminal that this program runs in with a terminal of the daemon.</summary>
internal static class AttachedScreen
{
    /// <summary>Puts back what a program inside may have asked of the terminal.</summary>
    private const string Leave =
        "\u001b[?1049l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?1l\u001b>\u001b[?25h\u001b[?7h\u001b[r\u001b[4l\u001b(B\u000f\u001b[0 q\u001b[0m\u001b[999;1H";

    public const string Detached = "Detached; the terminal keeps running.";

    private const string Begin = "\u001b[!p\u001b[?1049l\u001b[0m\u001b[H\u001b[2J";
    private const int KeysAtOnce = 4096;

    /// <summary>Runs until one side ends it.</summary>
    /// <returns>Why the terminal ended, <see cref="Detached"/> when the person left, null when the connection went without a
    /// reason.</returns>
    public static async Task<string?> RunAsync(TerminalLink link, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var outgoing = Channel.CreateBounded<(string? Keys, bool Resize)>(64);
        using var output = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, 0);
        using var raw = RawMode.Enter();
        using var resized = OperatingSystem.IsWindows() ? null
            : PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => outgoing.Writer.TryWrite((null, true)));
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, s => End(s, over));
        using var hungUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, s => End(s, over));
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, s => End(s, over));
        string? why = Detached;
        try
        {
            var typing = TypeAsync(link, outgoing.Reader, over.Token);
            Read(outgoing.Writer, over);
            why = null;
            while (await link.ReadAsync(over.Token) is { } said)
            {
                if (said.Reset)
                {
                    await output.WriteAsync(Encoding.UTF8.GetBytes(Begin), over.Token);
                }

                await output.WriteAsync(Encoding.UTF8.GetBytes(said.Data), over.Token);
                if (said.Ended is { } ended)
                {
                    why = ended;
                    break;
                }
            }

            why ??= over.IsCancellationRequested ? Detached : null;
            await over.CancelAsync();
            await typing;
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            why ??= Detached; // the person left, or the program is to end
        }
        finally
        {
            output.Write(Encoding.UTF8.GetBytes(Leave));
        }

        return why;
    }

    /// <summary>Columns and rows; 80 × 24 where the system can't tell.</summary>
    public static (int Columns, int Rows) Size() => Console.WindowWidth is > 1 and var columns
        && Console.WindowHeight is > 1 and var rows ? (columns, rows) : (80, 24);

    private static void End(PosixSignalContext signal, CancellationTokenSource over)
    {
        signal.Cancel = true;
        over.Cancel();
    }

    /// <summary>Reads keys on a thread of its own: a read of a terminal can't be cancelled, and ends with the program.</summary>
    private static void Read(ChannelWriter<(string? Keys, bool Resize)> keys, CancellationTokenSource over)
    {
        var thread = new Thread(() =>
        {
            using var input = new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, 0);
            var decoder = Encoding.UTF8.GetDecoder();
            var detaching = new DetachKeys();
            var buffer = new byte[KeysAtOnce];
            var characters = new char[KeysAtOnce + 2];
            try
            {
                int read;
                while ((read = input.Read(buffer)) > 0)
                {
                    var typed = detaching.Take(buffer.AsSpan(0, read), out var detach);
                    var count = decoder.GetChars(typed, characters, flush: false);
                    if (count > 0)
                    {
                        // a thread of its own, that may wait
                        keys.WriteAsync((new string(characters, 0, count), false), over.Token).AsTask().GetAwaiter().GetResult();
                    }

                    if (detach)
                    {
                        break;
                    }
                }

                over.Cancel();
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // the terminal is gone, or somebody else ended it
            }
        })
        { IsBackground = true, Name = "keys" };
        thread.Start();
    }

    private static async Task TypeAsync(TerminalLink link, ChannelReader<(string? Keys, bool Resize)> keys, CancellationToken ct)
    {
        try
        {
            await foreach (var (typed, resize) in keys.ReadAllAsync(ct))
            {
                if (resize)
                {
                    var (columns, rows) = Size();
                    await link.ResizeAsync(columns, rows, ct);
                }

                if (typed is not null)
                {
                    await link.TypeAsync(typed, ct);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // over
        }
    }
}
