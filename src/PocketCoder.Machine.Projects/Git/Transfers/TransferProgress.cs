using System.Text;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// Picks git's progress (<c>Writing objects: 50% (1/2)</c>) out of what it says, at most four times a second. One caller.
/// </summary>
internal sealed class TransferProgress(Action<string> tell, TimeProvider time)
{
    private const int LongestLine = 200;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);

    private readonly StringBuilder _line = new();
    private long? _toldAt;

    public void Hear(ReadOnlySpan<byte> bytes)
    {
        foreach (var c in Encoding.UTF8.GetString(bytes))
        {
            if (c is not ('\r' or '\n'))
            {
                if (_line.Length < LongestLine)
                {
                    _line.Append(c);
                }

                continue;
            }

            var line = _line.ToString().Trim();
            _line.Clear();
            if (line.Contains('%', StringComparison.Ordinal) && (_toldAt is not { } told || time.GetElapsedTime(told) > s_pause))
            {
                _toldAt = time.GetTimestamp();
                tell(line);
            }
        }
    }
}
