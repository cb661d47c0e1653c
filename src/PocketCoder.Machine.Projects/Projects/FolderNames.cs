using System.Text;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>Which names folders and projects may have that devices see, choose or make. Pure.</summary>
internal static class FolderNames
{
    private const int NameBytes = 255;

    /// <summary>Of the system or of programs, although not hidden.</summary>
    private static readonly string[] s_closed = ["snap", "lost+found"];

    /// <summary>Whether a folder of that name is for devices: seen as what it is, not hidden, no place for keys or settings.</summary>
    public static bool IsOpen(string name) => name.Length > 0 && name[0] != '.' && !name.Contains('/', StringComparison.Ordinal)
        && Encoding.UTF8.GetByteCount(name) <= NameBytes && IsPlain(name)
        && !s_closed.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether every character is seen as what it is: no controls, direction marks, invisible ones, halves of a pair.</summary>
    public static bool IsPlain(string text)
    {
        var rest = text.AsSpan();
        while (rest.Length > 0)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var used) != System.Buffers.OperationStatus.Done || !PathText.IsPlain(rune))
            {
                return false;
            }

            rest = rest[used..];
        }

        return true;
    }

    /// <summary>A project's name.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static string Project(string name)
    {
        name = name.Trim();
        return name.Length is >= 1 and <= Limits.NameLength && IsPlain(name) ? name : throw new RequestFailure(
            ErrorCode.InvalidRequest, $"A project's name has 1 to {Limits.NameLength} characters, none of them invisible.");
    }

    /// <summary>The name of a folder that is to be made.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static string New(string name)
        => name.Length <= Limits.NameLength && name == name.Trim() && IsOpen(name) ? name : throw new RequestFailure(
            ErrorCode.InvalidRequest,
            $"A new folder's name has 1 to {Limits.NameLength} characters that can be seen, no slash, no dot in front and no space at its ends.");
}
