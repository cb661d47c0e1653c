using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace PocketCoder.Sandboxes.Terminals;

/// <summary>What tmux says in control mode (tmux(1), CONTROL MODE), as far as a terminal needs it.</summary>
internal abstract record ControlEvent;

/// <summary>Bytes that a pane wrote.</summary>
internal sealed record PaneOutput(string Pane, byte[] Bytes) : ControlEvent;

/// <summary>tmux stopped sending a pane's output because we were too slow; what comes until we ask for more is left out.</summary>
internal sealed record PanePaused(string Pane) : ControlEvent;

/// <summary>The answer to a command of ours, in the order in which they were sent.</summary>
internal sealed record CommandReply(bool Ok, IReadOnlyList<string> Lines) : ControlEvent;

/// <summary>The client is attached; before that, commands may meet no session.</summary>
internal sealed record Attached : ControlEvent;

/// <summary>The connection ends.</summary>
internal sealed record ControlExit(string? Reason) : ControlEvent;

/// <summary>
/// Cuts the stream of a tmux client in control mode into events. Bytes in any portions; unknown lines are skipped, as tmux may say new
/// things. Bounded: a line of at most 4 MiB, a reply of at most 10,000 lines. Not thread-safe.
/// </summary>
internal sealed class ControlModeParser
{
    public const int LongestLine = 4 << 20;
    private const int MostReplyLines = 10_000;

    private readonly List<byte> _line = [];
    private List<string>? _reply;
    private string _replyGuard = "";
    private bool _replyIsOurs;

    /// <summary>Takes the next bytes and gives the events that they complete.</summary>
    /// <exception cref="InvalidDataException">This is not tmux, or it sends more than it may.</exception>
    public IReadOnlyList<ControlEvent> Feed(ReadOnlySpan<byte> bytes)
    {
        var events = new List<ControlEvent>();
        while (bytes.Length > 0)
        {
            var end = bytes.IndexOf((byte)'\n');
            var part = end < 0 ? bytes : bytes[..end];
            if (_line.Count + part.Length > LongestLine)
            {
                throw new InvalidDataException("A line of tmux is longer than 4 MiB.");
            }

            _line.AddRange(part);
            if (end < 0)
            {
                break;
            }

            if (Line(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_line)) is { } found)
            {
                events.Add(found);
            }

            _line.Clear();
            bytes = bytes[(end + 1)..];
        }

        return events;
    }

    /// <summary>Undoes tmux's escaping: a backslash and three octal digits stand for one byte.</summary>
    public static byte[] Decode(ReadOnlySpan<byte> text)
    {
        var bytes = new byte[text.Length];
        var count = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && IsOctal(text[i + 1], 3) && IsOctal(text[i + 2], 7) && IsOctal(text[i + 3], 7))
            {
                bytes[count++] = (byte)(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0'));
                i += 3;
            }
            else
            {
                bytes[count++] = text[i];
            }
        }

        return bytes[..count];
    }

    private static bool IsOctal(byte character, int highest) => character >= '0' && character <= '0' + highest;

    private ControlEvent? Line(ReadOnlySpan<byte> text)
    {
        if (_reply is not null)
        {
            return ReplyLine(text);
        }

        if (Take(ref text, "%output "u8))
        {
            return Word(ref text) is { } pane ? new PaneOutput(pane, Decode(text)) : null;
        }

        if (Take(ref text, "%extended-output "u8))
        {
            // "%extended-output %1 27 … : text": fields may be added before the colon
            var pane = Word(ref text);
            var colon = text.IndexOf(" : "u8);
            return pane is not null && colon >= 0 ? new PaneOutput(pane, Decode(text[(colon + 3)..])) : null;
        }

        if (Take(ref text, "%begin "u8))
        {
            Begin(Encoding.UTF8.GetString(text));
            return null;
        }

        if (Take(ref text, "%session-changed "u8))
        {
            return new Attached();
        }

        if (Take(ref text, "%pause "u8))
        {
            return new PanePaused(Encoding.UTF8.GetString(text));
        }

        return Take(ref text, "%exit"u8) ? new ControlExit(text.Length > 1 ? Encoding.UTF8.GetString(text[1..]) : null) : null;
    }

    /// <summary>
    /// "time number flags": the same three end the reply, so that no line of it can be taken for its end by chance. Flags of 1: we asked.
    /// </summary>
    private void Begin(string guard)
    {
        _reply = [];
        _replyGuard = guard;
        _replyIsOurs = guard.Split(' ') is { Length: >= 3 } fields
            && int.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var flags) && (flags & 1) != 0;
    }

    private CommandReply? ReplyLine(ReadOnlySpan<byte> text)
    {
        var ok = text.StartsWith("%end "u8);
        if (ok || text.StartsWith("%error "u8))
        {
            var guard = Encoding.UTF8.GetString(text[(ok ? 5 : 7)..]);
            if (guard == _replyGuard)
            {
                var lines = _reply!;
                _reply = null;
                return _replyIsOurs ? new CommandReply(ok, lines) : null;
            }
        }

        if (_reply!.Count >= MostReplyLines)
        {
            throw new InvalidDataException("An answer of tmux has more than 10,000 lines.");
        }

        _reply.Add(Encoding.UTF8.GetString(text));
        return null;
    }

    private static bool Take(ref ReadOnlySpan<byte> text, ReadOnlySpan<byte> start)
    {
        if (!text.StartsWith(start))
        {
            return false;
        }

        text = text[start.Length..];
        return true;
    }

    /// <summary>A pane's id (%n) and the blank behind it.</summary>
    private static string? Word(ref ReadOnlySpan<byte> text)
    {
        var blank = text.IndexOf((byte)' ');
        if (blank < 2 || text[0] != '%' || !Utf8Parser.TryParse(text[1..blank], out uint number, out var used) || used != blank - 1)
        {
            return null;
        }

        text = text[(blank + 1)..];
        return string.Create(CultureInfo.InvariantCulture, $"%{number}");
    }
}
