using Microsoft.Win32.SafeHandles;

namespace PocketCoder.Workspace.Beneath;

/// <summary>
/// Goes from a project's handle to what a path names, following links only as long as they stay beneath it. openat2(2) does it in one step;
/// where the kernel has no such call (or a filter refuses it), and for absolute links that lead back into the project, the same is done a
/// component at a time with every link read by us: then nothing that is swapped meanwhile is ever followed. Thread-safe.
/// </summary>
/// <param name="walkOnly">Never ask the kernel to do it: for tests of the other way.</param>
internal sealed class Resolver(SafeFileHandle root, bool walkOnly)
{
    private const int Links = 40; // as many as the kernel follows
    private const int Retries = 16;

    /// <summary>Set for good once the kernel said that it has no openat2, or may not use it.</summary>
    private static volatile bool s_without;

    /// <summary>The thing itself as an O_PATH handle, whatever it is; null with the reason.</summary>
    /// <param name="follow">Whether a link at the end is followed.</param>
    public SafeFileHandle? Open(ProjectPath path, bool follow, out int error)
    {
        if (!walkOnly && !s_without)
        {
            for (var i = 0; i < Retries; i++)
            {
                if (Libc.OpenBeneath(root, path.Raw, Libc.PathOnly | (follow ? 0 : Libc.NoFollow),
                    Libc.StayBeneath | Libc.NoMagicLinks) is { } found)
                {
                    error = 0;
                    return found;
                }

                error = Libc.LastError;
                if (error is Errno.NotImplemented or Errno.NotPermitted)
                {
                    s_without = true; // also what filters of containers say; a permission is EACCES
                    break;
                }

                if (error == Errno.CrossDevice)
                {
                    break; // out, or an absolute link: the walk tells which
                }

                if (error != Errno.Again)
                {
                    return null;
                }
            }
        }

        return Walk(path, follow, out error);
    }

    private SafeFileHandle? Walk(ProjectPath path, bool follow, out int error)
    {
        var rest = new Stack<string>(path.Names.Reverse());
        var way = new List<SafeFileHandle>();
        var links = 0;
        SafeFileHandle? current = null;
        try
        {
            while (rest.TryPop(out var name))
            {
                if (name is "" or ".")
                {
                    continue; // in a link's target
                }

                if (name == "..")
                {
                    if (way.Count == 0)
                    {
                        error = Errno.CrossDevice;
                        return null;
                    }

                    way[^1].Dispose();
                    way.RemoveAt(way.Count - 1);
                    continue;
                }

                current = Libc.Open(way.Count == 0 ? root : way[^1], name, Libc.PathOnly);
                if (current is null || Libc.Stat(current) is not { } stat)
                {
                    error = Libc.LastError;
                    return null;
                }

                if (!stat.IsLink || (rest.Count == 0 && !follow))
                {
                    if (rest.Count > 0 && !stat.IsDirectory)
                    {
                        error = Errno.NotADirectory;
                        return null;
                    }

                    way.Add(current);
                    current = null;
                    continue;
                }

                if (++links > Links || Libc.ReadLink(current, "") is not { } target)
                {
                    error = Errno.Loop;
                    return null;
                }

                current.Dispose();
                current = null;
                if (target.StartsWith('/') && !Enter(ref target, way))
                {
                    error = Errno.CrossDevice;
                    return null;
                }

                foreach (var step in target.Split('/').Reverse())
                {
                    rest.Push(step);
                }
            }

            error = 0;
            var found = way.Count == 0 ? Libc.Open(root, ".", Libc.PathOnly) : way[^1];
            error = found is null ? Libc.LastError : 0;
            if (way.Count > 0)
            {
                way.RemoveAt(way.Count - 1);
            }

            return found;
        }
        finally
        {
            current?.Dispose();
            foreach (var handle in way)
            {
                handle.Dispose();
            }
        }
    }

    /// <summary>
    /// An absolute link is good only when it names the project's own folder or what is beneath it; then the way begins anew there.
    /// </summary>
    private bool Enter(ref string target, List<SafeFileHandle> way)
    {
        if (Libc.WhereIs(root) is not { } here
            || (target != here && !target.StartsWith(here == "/" ? here : here + "/", StringComparison.Ordinal)))
        {
            return false;
        }

        target = target[here.Length..];
        foreach (var handle in way)
        {
            handle.Dispose();
        }

        way.Clear();
        return true;
    }
}
