using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.Paths;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// Takes away what was planted and brings back what was there, by directory handles that follow no link. What is taken away is kept in the
/// daemon's home: nothing is lost.
/// </summary>
/// <param name="root">The project's folder.</param>
/// <param name="keep">Where what is taken away is kept; made when needed.</param>
internal sealed class PutBack(string root, string keep)
{
    private const int MaxKept = 500;

    /// <summary>Does it for each finding that asks for it, and says what came of it. Never faults.</summary>
    public List<Finding> Apply(IEnumerable<Finding> findings)
    {
        using var folders = OpenFolders.Of(root);
        return [.. findings.Select(f => f.Kind == FindingKind.PutBack && f.Done is null ? f with { Done = Try(folders, f) } : f)];
    }

    private string Try(OpenFolders folders, Finding finding)
    {
        try
        {
            folders.Forget(); // what was put back before may have replaced a folder
            var folder = folders.Find(finding.Path.Parent)
                ?? (finding.Before is null ? null : folders.Make(finding.Path.Parent, GiveToOwner));
            return folder is null ? "its folder is gone too" : Do(folder, finding);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"it could NOT be put back ({e.Message}): look at it before you use git here";
        }
    }

    private string Do(SafeFileHandle folder, Finding finding)
    {
        var (name, before) = (finding.Path.Name, finding.Before);
        if (before?.Type == 'd')
        {
            Clear(folder, name, out _);
            Unix.MakeDirectory(folder, name);
            GiveToOwner(folder, name);
            return "it was made again";
        }

        if (before is { Content: null } or { Type: 'o' })
        {
            Clear(folder, name, out var where);
            return $"what it was can't be brought back; it was taken away{Kept(where)}";
        }

        if (before is null)
        {
            return Clear(folder, name, out var where) ? $"it was taken away{Kept(where)}" : "it is gone again";
        }

        var temporary = $".pocketcoder-{Guid.CreateVersion7():N}";
        Clear(folder, name, out var place);
        try
        {
            if (before.Type == 'l')
            {
                Unix.MakeLink(folder, temporary, before.Content);
            }
            else
            {
                using var file = Unix.CreateNew(folder, temporary);
                RandomAccess.Write(file, before.Content, 0);
                Unix.SetMode(file, before.Permissions);
                RandomAccess.FlushToDisk(file);
            }

            GiveToOwner(folder, temporary);
            Unix.Rename(folder, temporary, name);
        }
        catch
        {
            Unix.Remove(folder, temporary);
            throw;
        }

        return $"it was put back as it was{Kept(place)}";
    }

    /// <summary>Removes what stands there after keeping a copy. False: nothing does.</summary>
    private bool Clear(SafeFileHandle folder, string name, out string? where)
    {
        where = null;
        if (FileState.Of(folder, name) is not { } state)
        {
            return false;
        }

        if (state.Type == 'd')
        {
            if (!Unix.RemoveEmptyDirectory(folder, name))
            {
                Unix.Rename(folder, name, $"{name}.pocketcoder-{Guid.CreateVersion7():N}");
            }

            return true;
        }

        if (state.Content is { } content)
        {
            where = Path.Combine(KeepFolder(),
                $"{Guid.CreateVersion7():N}-{string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '_'))}");
            PrivateFile.Replace(where, content);
            Unix.Remove(folder, name);
        }
        else if (state.Type == 'f')
        {
            Unix.Rename(folder, name, $"{name}.pocketcoder-{Guid.CreateVersion7():N}"); // too large to be copied
        }
        else
        {
            Unix.Remove(folder, name);
        }

        return true;
    }

    /// <summary>Where to keep one more; the oldest go when there are too many.</summary>
    private string KeepFolder()
    {
        var folder = PrivateFolder.Make(keep);
        foreach (var old in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).SkipLast(MaxKept).ToList())
        {
            File.Delete(old);
        }

        return folder;
    }

    private static string Kept(string? where) => where is null ? "" : $" (kept: {where})";

    private static void GiveToOwner(SafeFileHandle folder, string name)
    {
        if (Environment.IsPrivilegedProcess && Unix.Stat(folder) is { } owner)
        {
            Unix.GiveTo(folder, name, owner.User, owner.Group);
        }
    }
}
