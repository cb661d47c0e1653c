namespace PocketCoder.Cli.Attaching;

/// <summary>
/// Finds the keys that leave: Ctrl-\ anywhere, and <c>~.</c> at the beginning of a line (<c>~~</c> types one <c>~</c>). Not thread-safe.
/// </summary>
internal sealed class DetachKeys
{
    private const byte ControlBackslash = 0x1c;

    private bool _lineBegins = true;
    private bool _tilde;

    /// <summary>What is to be typed of these keys. With <paramref name="detach"/> the rest is nobody's.</summary>
    public byte[] Take(ReadOnlySpan<byte> keys, out bool detach)
    {
        detach = false;
        var typed = new List<byte>(keys.Length + 1);
        foreach (var key in keys)
        {
            if (key == ControlBackslash || (_tilde && key == (byte)'.'))
            {
                detach = true;
                break;
            }

            if (_tilde)
            {
                _tilde = false;
                typed.Add((byte)'~');
                if (key == (byte)'~')
                {
                    _lineBegins = false;
                    continue;
                }
            }
            else if (_lineBegins && key == (byte)'~')
            {
                _tilde = true; // typed once it is known that no "." follows
                continue;
            }

            _lineBegins = key is (byte)'\r' or (byte)'\n';
            typed.Add(key);
        }

        return [.. typed];
    }
}
