using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// Code of a repository that OpenCode would run when it starts: it imports plugins of <c>.opencode</c> folders even with all settings of
/// projects off (seen with 1.18.33). Where the folder can't be hidden, it must not start.
/// </summary>
internal static class OpenCodeRepository
{
    private static readonly string[] s_codeFolders = ["plugin", "plugins", "tool", "tools"];

    /// <summary>The first folder of code from the directory up to the root of the file system; null: there is none.</summary>
    /// <param name="except">The person's own folder for OpenCode's settings, which holds their own code.</param>
    public static string? FolderOfCode(string directory, string except)
    {
        for (var at = ConfinedPath.Resolve("/", directory); at is not null; at = Path.GetDirectoryName(at))
        {
            var settings = Path.Combine(at, ".opencode");
            if (Path.Exists(settings) && ConfinedPath.Resolve("/", settings) != ConfinedPath.Resolve("/", except)
                && s_codeFolders.Select(f => Path.Combine(settings, f)).FirstOrDefault(HoldsSomething) is { } code)
            {
                return code;
            }
        }

        return null;
    }

    private static bool HoldsSomething(string folder)
    {
        try
        {
            return Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true; // who knows what it holds
        }
    }
}
