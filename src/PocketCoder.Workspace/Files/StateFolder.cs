using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// The machine's own folder about one project: nobody else writes in it. Notes in it name the temporary files that are in the project right
/// now, so that what a killed daemon left is found and removed. Thread-safe.
/// </summary>
internal sealed class StateFolder(string root)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public string Path => root;

    /// <summary>A folder in it, made with its parents when it is not there.</summary>
    public string Make(params ReadOnlySpan<string> names)
    {
        var path = System.IO.Path.Combine([root, .. names]);
        try
        {
            return OperatingSystem.IsWindows() ? throw new PlatformNotSupportedException()
                : Directory.CreateDirectory(path, Private).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, ProjectPath.Root);
        }
    }

    /// <summary>The same as a handle.</summary>
    public SafeFileHandle Open(params ReadOnlySpan<string> names)
        => Libc.Open(Make(names), Libc.DirectoryOnly) ?? throw Errno.Failure(Libc.LastError, ProjectPath.Root);

    /// <summary>Writes down that there is a temporary thing in the project.</summary>
    public Note Remember(ProjectPath temporary)
    {
        var path = System.IO.Path.Combine(Make("notes"), Guid.CreateVersion7().ToString("N"));
        try
        {
            File.WriteAllText(path, temporary.Raw, Encoding.Latin1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, temporary);
        }

        return new Note(path);
    }

    /// <summary>Removes what notes of an earlier life name.</summary>
    public void ClearNotes(ProjectRoot project)
    {
        foreach (var file in Directory.EnumerateFiles(Make("notes")))
        {
            var path = new ProjectPath(File.ReadAllText(file, Encoding.Latin1));
            using (var folder = project.TryFind(path.Parent, follow: false, out _))
            {
                if (folder is not null && ProjectRoot.IsTemporary(path.Name))
                {
                    Trees.Remove(folder.Handle, path.Name);
                }
            }

            File.Delete(file);
        }
    }

    /// <summary>A name for something that is only there while it is written.</summary>
    public static string TemporaryName() => $"{ProjectRoot.TemporaryPrefix}{Guid.CreateVersion7():N}.tmp";

    internal sealed class Note(string path) : IDisposable
    {
        /// <summary>The temporary thing is gone.</summary>
        public void Dispose() => File.Delete(path);
    }
}
