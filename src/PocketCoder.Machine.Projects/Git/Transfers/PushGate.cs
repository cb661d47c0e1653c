using System.Buffers;
using System.Globalization;
using System.Text;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// Reads what a pushing git asks of the other side before the objects follow, and lets it through only when it is what was allowed: those
/// refs, those objects. So what leaves is held against the decision outside of the sandbox, whatever the repository's configuration made of
/// the command. Not thread-safe. Source: gitprotocol-pack(5), <em>update-request</em>.
/// </summary>
/// <param name="allowed">All that may change.</param>
internal sealed class PushGate(params IReadOnlyList<PushedRef> allowed)
{
    private const int MostBytes = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _held = new();
    private bool _open;
    private bool _sends;

    /// <summary>How many refs it asks to change; known when something was let through.</summary>
    public int Asked { get; private set; }

    /// <summary>No objects follow.</summary>
    public bool OnlyDeletes => !_sends;

    /// <summary>Gives back what may go on now.</summary>
    /// <exception cref="InvalidDataException">It asks for something else.</exception>
    public ReadOnlyMemory<byte> Pass(ReadOnlyMemory<byte> bytes)
    {
        if (_open)
        {
            return bytes;
        }

        _held.Write(bytes.Span); // each piece is small, and all of them together bounded
        var seen = _held.WrittenSpan.ToArray();
        var at = 0;
        var lines = new List<string>();
        while (seen.Length - at >= 4)
        {
            if (!int.TryParse(Encoding.ASCII.GetString(seen, at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out var length) || length is (> 0 and < 5) or > 65520)
            {
                throw new InvalidDataException("it is not the beginning of a push");
            }

            if (length == 0)
            {
                foreach (var line in lines)
                {
                    Check(line);
                }

                _open = true;
                return seen;
            }

            if (seen.Length - at < length)
            {
                break;
            }

            lines.Add(Encoding.UTF8.GetString(seen, at + 4, length - 4));
            at += length;
        }

        return seen.Length > MostBytes ? throw new InvalidDataException("the request is too large") : ReadOnlyMemory<byte>.Empty;
    }

    /// <summary><c>old new ref</c>, and after the first ref a NUL and what both sides can.</summary>
    private void Check(string line)
    {
        var end = line.IndexOf('\0', StringComparison.Ordinal);
        var command = (end < 0 ? line : line[..end]).TrimEnd('\n');
        if (command.StartsWith("shallow ", StringComparison.Ordinal))
        {
            return;
        }

        if (command.Split(' ', 3) is not [var old, var @new, var name]
            || !allowed.Any(a => a.Name == name && (a.After ?? Nothing(@new)) == @new && (a.After is not null || a.Before == old)))
        {
            throw new InvalidDataException($"it would change something that was not allowed: {PocketCoder.Git.GitNames.Shown(command)}");
        }

        Asked++;
        _sends |= @new.Trim('0').Length > 0;
    }

    private static string Nothing(string like) => new('0', like.Length);
}

/// <param name="Name">In full.</param>
/// <param name="Before">Of a deletion: the object that it must name until then.</param>
/// <param name="After">The only object it may become; null: it is deleted.</param>
internal sealed record PushedRef(string Name, string? Before, string? After);
