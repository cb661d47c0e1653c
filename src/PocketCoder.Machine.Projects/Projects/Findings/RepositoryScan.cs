using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Projects.Findings;

/// <summary>What a look at a project found.</summary>
/// <param name="ForAgents">Settings that agents would run or obey.</param>
/// <param name="ForOthers">What git, a shell, an editor or a build tool would run.</param>
public sealed record RepositoryFound(IReadOnlyList<string> ForAgents, IReadOnlyList<string> ForOthers)
{
    public bool IsNothing => ForAgents.Count == 0 && ForOthers.Count == 0;
}

/// <summary>
/// Looks in a project, and above it up to the root of its repository, for what would run by itself or steer an agent. Names only what
/// stands in <see cref="KnownSettings"/>, with numbers: nothing of the repository's own words is shown. Follows no link, reads at most 256
/// KiB of a file and 64 entries of a folder, starts nothing. Pure but for the looking; thread-safe.
/// </summary>
public static class RepositoryScan
{
    private const int MostLevels = 16;
    private const int MostEntries = 64;
    private const int MostBytes = 256 * 1024;

    /// <param name="directory">Absolute, links followed.</param>
    /// <param name="project">The project's folder, when the directory lies beneath it: it is looked in without a repository too.</param>
    public static RepositoryFound At(string directory, string? project = null)
    {
        var (forAgents, forOthers) = (new List<string>(), new List<string>());
        var above = "";
        foreach (var at in Levels(directory, project))
        {
            forAgents.AddRange(KnownSettings.OfAgents.Select(known => Words(at, above, known)).OfType<string>());
            forOthers.AddRange(KnownSettings.OfOthers.Select(known => Words(at, above, known)).OfType<string>());
            forOthers.AddRange(GitConfigScan.In(Path.Combine(at, ".git")).Select(words => above + words));
            above += "../";
        }

        return new RepositoryFound(forAgents, forOthers);
    }

    /// <summary>
    /// The project, and in a repository what is above it up to the repository's root: without one nothing above belongs to it.
    /// </summary>
    private static List<string> Levels(string directory, string? project)
    {
        var (levels, own) = (new List<string>(), 1);
        for (var at = directory; at is not null && levels.Count < MostLevels; at = Path.GetDirectoryName(at))
        {
            levels.Add(at);
            if (Kind(Path.Combine(at, ".git")) is not null)
            {
                return levels;
            }

            own = at == project ? levels.Count : own;
        }

        return levels[..own];
    }

    /// <summary>The lines of a file's beginning; empty when it is no regular file or can't be read.</summary>
    internal static string Text(string path)
    {
        try
        {
            using var handle = PlainFile.OpenRead(path, out _);
            return handle is null ? "" : Text(handle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>Names of what lies in a folder that is no link, at most 64.</summary>
    internal static IReadOnlyList<string> Entries(string folder)
    {
        try
        {
            return Kind(folder) == Entry.Folder
                ? [.. Directory.EnumerateFileSystemEntries(folder).Take(MostEntries).Select(e => Path.GetFileName(e)!)] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? Words(string directory, string above, KnownSetting known)
    {
        var path = Path.Combine(directory, known.Path);
        return Kind(path) switch
        {
            Entry.Folder when Entries(path) is { Count: > 0 } there =>
                $"{above}{known.Path}/ ({there.Count}{(there.Count == MostEntries ? " or more" : "")})",
            Entry.File => $"{above}{known.Path}{Details(path, known)}",
            Entry.Link => $"{above}{known.Path} (a link)",
            _ => null,
        };
    }

    private static string Details(string path, KnownSetting known)
    {
        if (known.Members.Count == 0)
        {
            return "";
        }

        try
        {
            using var document = JsonDocument.Parse(Text(path),
                new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 32 });
            var found = document.RootElement.ValueKind != JsonValueKind.Object ? []
                : known.Members.Where(m => document.RootElement.TryGetProperty(m.Name, out _))
                    .Select(m => Count(document.RootElement.GetProperty(m.Name), m.Words)).ToList();
            return found.Count == 0 ? "" : $" ({string.Join(", ", found)})";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return ""; // not JSON, or too long: that it is there is said all the same
        }
    }

    private static string Count(JsonElement value, string words) => value.ValueKind switch
    {
        JsonValueKind.Object when value.EnumerateObject().Count() is > 1 and var many => $"{many} × {words}",
        JsonValueKind.Array when value.GetArrayLength() is > 1 and var many => $"{many} × {words}",
        _ => words,
    };

    private static Entry? Kind(string path)
    {
        try
        {
            return new FileInfo(path) is var file
                && file.LinkTarget is not null ? Entry.Link : file.Exists ? Entry.File : Directory.Exists(path) ? Entry.Folder : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Text(SafeFileHandle handle)
    {
        using var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        var bytes = new byte[MostBytes];
        return System.Text.Encoding.UTF8.GetString(bytes, 0, stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
    }

    private enum Entry
    {
        File,
        Folder,
        Link,
    }
}
