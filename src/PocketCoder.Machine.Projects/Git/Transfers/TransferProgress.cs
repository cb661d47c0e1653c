using System.Text;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>The lines of what git says, each as it ends, cut to what a progress line can have. One caller.</summary>
internal sealed class ProgressLines(Action<string> tell)
{
    private const int LongestLine = 200;

    private readonly StringBuilder _line = new();

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
            tell(line);
        }
    }
}

/// <summary>
/// Picks git's progress (<c>Writing objects: 50% (1/2)</c>) out of what it says, at most four times a second. One caller.
/// </summary>
internal sealed class TransferProgress
{
    private readonly ProgressLines _lines;
    private long? _toldAt;

    public TransferProgress(Action<string> tell, TimeProvider time) => _lines = new ProgressLines(line =>
    {
        if (line.Contains('%', StringComparison.Ordinal) && (_toldAt is not { } told || time.GetElapsedTime(told) > Pause))
        {
            _toldAt = time.GetTimestamp();
            tell(line);
        }
    });

    /// <summary>Between two that are told.</summary>
    public static TimeSpan Pause { get; } = TimeSpan.FromMilliseconds(250);

    public void Hear(ReadOnlySpan<byte> bytes) => _lines.Hear(bytes);
}
