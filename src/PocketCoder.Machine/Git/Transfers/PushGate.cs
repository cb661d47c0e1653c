using System.Buffers;
using System.Globalization;
using System.Text;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// Reads what a pushing git asks of the other side before the objects follow, and lets it through only when it is what was allowed: those refs, those objects. So what leaves is held against the
/// decision outside of the sandbox, whatever the repository's configuration made of the command. Not thread-safe. Source: gitprotocol-pack(5), <em>update-request</em>.
/// </summary>
/// <param name="allowed">Ref → the only object it may become.</param>
internal sealed class PushGate(IReadOnlyDictionary<string, string> allowed)
{
    private const int MostBytes = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _held = new();
    private bool _open;

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
        while (seen.Length - at >= 4)
        {
            if (!int.TryParse(Encoding.ASCII.GetString(seen, at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length) || length is (> 0 and < 5) or > 65520)
            {
                throw new InvalidDataException("it is not what a push begins with");
            }

            if (length == 0)
            {
                _open = true;
                return seen;
            }

            if (seen.Length - at < length)
            {
                break;
            }

            Check(Encoding.UTF8.GetString(seen, at + 4, length - 4));
            at += length;
        }

        return seen.Length > MostBytes ? throw new InvalidDataException("it asks for too much") : ReadOnlyMemory<byte>.Empty;
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

        if (command.Split(' ', 3) is not [_, var @new, var name] || allowed.GetValueOrDefault(name) != @new)
        {
            throw new InvalidDataException($"it would change something that was not allowed: {PocketCoder.Git.GitNames.Shown(command)}");
        }
    }
}
