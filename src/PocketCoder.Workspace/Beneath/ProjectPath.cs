using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Workspace.Beneath;

/// <summary>
/// A path beneath a project, byte for byte as the kernel has it: names need not be UTF-8. Kept as text with one character a byte, so that
/// it can be a key and sorts as bytes do. On the wire it is text that is safe to show as it is, and leads back to the same bytes: see
/// <see cref="PathText"/>.
/// </summary>
/// <param name="Raw">Bytes as Latin-1; no leading or trailing slash; empty is the project itself.</param>
public readonly record struct ProjectPath(string Raw)
{
    /// <summary>Bytes of one name; what file systems take.</summary>
    private const int NameBytes = 255;

    public static ProjectPath Root { get; } = new("");

    public bool IsRoot => Raw.Length == 0;

    /// <summary>The directory it is in.</summary>
    public ProjectPath Parent => new(Raw.LastIndexOf('/') is var slash and >= 0 ? Raw[..slash] : "");

    public string Name => Raw[(Raw.LastIndexOf('/') + 1)..];

    public IReadOnlyList<string> Names => IsRoot ? [] : Raw.Split('/');

    /// <summary>As it stands in messages.</summary>
    public string Wire => PathText.Escape(Raw);

    public static ProjectPath Of(ReadOnlySpan<byte> bytes) => new(Encoding.Latin1.GetString(bytes));

    /// <summary>A path as a device sent it. Purely about the text: what is there is not looked at.</summary>
    /// <exception cref="WorkspaceException">OUTSIDE_PROJECT_ROOT: absolute or with <c>..</c>; INVALID_REQUEST: empty or <c>.</c>
    /// components, zero bytes, a bad escape, too deep or too long.</exception>
    public static ProjectPath Parse(string wire)
    {
        if (wire.Length == 0)
        {
            return Root;
        }

        if (wire[0] == '/')
        {
            throw Outside();
        }

        if (wire.Length > FileLimits.PathLength)
        {
            throw Invalid($"A path has at most {FileLimits.PathLength} characters.");
        }

        var names = wire.Split('/');
        if (names.Length > FileLimits.Depth)
        {
            throw Invalid($"A path has at most {FileLimits.Depth} levels.");
        }

        return new ProjectPath(string.Join('/', names.Select(Component)));
    }

    public static ProjectPath operator /(ProjectPath folder, string name) => new(folder.IsRoot ? name : $"{folder.Raw}/{name}");

    public bool IsBeneath(ProjectPath folder)
        => folder.IsRoot || (Raw.Length > folder.Raw.Length && Raw[folder.Raw.Length] == '/'
            && Raw.StartsWith(folder.Raw, StringComparison.Ordinal));

    public override string ToString() => Wire;

    internal static WorkspaceException Outside() => new(ErrorCode.OutsideProjectRoot, "That path leads out of the project.");

    private static string Component(string wire)
    {
        var raw = PathText.Unescape(wire)
            ?? throw Invalid(@"A path has an escape that is none: write a backslash as \\, a byte as \x{ff}, a character as \u{202e}.");
        return raw switch
        {
            ".." => throw Outside(),
            "" or "." => throw Invalid("A path has no empty components and no '.'; the project itself is the empty path."),
            _ when raw.AsSpan().ContainsAny('/', '\0') => throw Invalid("A name holds no slash and no zero byte."),
            _ when raw.Length > NameBytes => throw Invalid($"A name has at most {NameBytes} bytes."),
            _ => raw,
        };
    }

    private static WorkspaceException Invalid(string message) => new(ErrorCode.InvalidRequest, message);
}
