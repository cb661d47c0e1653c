using System.IO.Enumeration;
using System.Text;
using PocketCoder.Machine.Executions;

namespace PocketCoder.Machine.Executions.Code;

/// <summary>
/// Reads the small text files of one project that say what runs. Nothing outside of the project is opened, whatever a link says.
/// Bounded: at most <see cref="MaxTotal"/> bytes for one object. Not thread-safe; made for one look.
/// </summary>
internal sealed class ProjectText(string project)
{
    /// <summary>Largest file that is looked into, in bytes.</summary>
    public const int MaxFile = 256 * 1024;

    private const int MaxTotal = 4 << 20;
    private const int MaxEntries = 4_096;

    private readonly Dictionary<string, string?> _read = new(StringComparer.Ordinal);
    private int _total;

    public string Project { get; } = project;

    /// <summary>The text of a regular file inside the project; null when there is none, or it is too large, binary or unreadable.</summary>
    /// <param name="path">Absolute. Untrusted.</param>
    public string? Read(string path)
    {
        if (!_read.TryGetValue(path, out var text))
        {
            _read[path] = text = Load(path);
        }

        return text;
    }

    /// <summary>Whether a regular file is there, inside the project.</summary>
    public bool Exists(string path)
    {
        if (!IsInside(path) || path.Contains('\0', StringComparison.Ordinal) || !File.Exists(path))
        {
            return false;
        }

        using var file = ConfinedFile.Open(Project, path, out _);
        return file is not null;
    }

    public bool IsInside(string path) => path == Project || path.StartsWith(Project + "/", StringComparison.Ordinal);

    /// <summary>The folder and those above it, up to the project; the nearest first. Empty outside of the project.</summary>
    public IEnumerable<string> Upward(string folder)
    {
        for (var at = folder; at is not null && IsInside(at); at = Path.GetDirectoryName(at))
        {
            yield return at;
        }
    }

    /// <summary>
    /// Names in a folder that match a simple pattern (<c>*.csproj</c>), in ordinal order. Of a large folder only the first entries are
    /// looked at.
    /// </summary>
    public IEnumerable<string> Matching(string folder, string pattern)
    {
        if (!pattern.Contains('*', StringComparison.Ordinal))
        {
            return [Path.Combine(folder, pattern)];
        }

        try
        {
            return
            [
                .. Directory.EnumerateFiles(folder).Take(MaxEntries)
                    .Where(f => FileSystemName.MatchesSimpleExpression(pattern, Path.GetFileName(f.AsSpan()), ignoreCase: false))
                    .Order(StringComparer.Ordinal),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private string? Load(string path)
    {
        try
        {
            using var file = IsInside(path) ? ConfinedFile.Open(Project, path, out _) : null;
            if (file is null || file.Length > MaxFile || _total + file.Length > MaxTotal)
            {
                return null;
            }

            var bytes = new byte[file.Length];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            _total += length;
            var text = Encoding.UTF8.GetString(bytes, 0, length);
            return text.Contains('\0', StringComparison.Ordinal) ? null : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
