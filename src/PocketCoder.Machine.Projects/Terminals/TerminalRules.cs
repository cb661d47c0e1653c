using System.Text;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Terminals;

/// <summary>What a request about a terminal may hold. Failures are <see cref="RequestFailure"/> INVALID_REQUEST.</summary>
public static class TerminalRules
{
    private const int LongestPath = 4096;

    public static string Name(string name)
        => name.Length is >= 1 and <= TerminalLimits.NameLength && name[0] != '-' && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-')
            ? name
            : throw Bad(
                $"A terminal's name has 1 to {TerminalLimits.NameLength} letters, digits and dashes, and does not begin with a dash.");

    public static (int Columns, int Rows) Size(int columns, int rows)
        => columns is >= TerminalLimits.SmallestSide and <= TerminalLimits.LargestSide
            && rows is >= TerminalLimits.SmallestSide and <= TerminalLimits.LargestSide
            ? (columns, rows)
            : throw Bad($"A terminal has {TerminalLimits.SmallestSide} to {TerminalLimits.LargestSide} columns and rows.");

    public static int Lines(int lines)
        => lines is >= 0 and <= TerminalLimits.HistoryLines ? lines
            : throw Bad($"At most {TerminalLimits.HistoryLines} lines of scrollback.");

    public static string Keys(string data)
        => data.Length > 0 && data.Length <= TerminalLimits.InputBytes && Encoding.UTF8.GetByteCount(data) <= TerminalLimits.InputBytes
            ? data
            : throw Bad($"1 to {TerminalLimits.InputBytes} bytes of keys at once.");

    public static TerminalSpec Spec(TerminalOpenRequest request)
    {
        var (columns, rows) = Size(request.Columns, request.Rows);
        if (request.WorkingDirectory is { } directory
            && (directory.Length > LongestPath || !directory.StartsWith('/') || directory.Any(char.IsControl)
                || Path.GetFullPath(directory) != directory || directory is not ("/" or [.., not '/'])))
        {
            throw Bad("The directory must be a plain absolute path.");
        }

        return new TerminalSpec { Name = Name(request.Name), Columns = columns, Rows = rows, WorkingDirectory = request.WorkingDirectory };
    }

    private static RequestFailure Bad(string message) => new(ErrorCode.InvalidRequest, message);
}
