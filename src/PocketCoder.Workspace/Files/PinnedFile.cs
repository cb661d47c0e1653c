using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// One file of a project that is about to be read, held by what it is: whatever is put at its path meanwhile, this file is read or none. A
/// secret of at most 10 MiB is read once, when it is first needed, so that what was compared with a decision is what is delivered. Not
/// thread-safe.
/// </summary>
public sealed class PinnedFile : IDisposable
{
    private readonly ProjectRoot _root;
    private readonly Node _node;
    private byte[]? _bytes;

    private PinnedFile(ProjectRoot root, Node node, ProjectPath path, bool isSecret)
        => (_root, _node, Path, IsSecret) = (root, node, path, isSecret);

    /// <summary>By the path that was asked for or, through links, by where the file really is.</summary>
    public bool IsSecret { get; }

    internal ProjectPath Path { get; }

    internal ProjectRoot Root => _root;

    internal NodeStat Stat => _node.Stat;

    /// <summary>Holds what stands at a path.</summary>
    /// <param name="options">Only the folder and what of it is secret or closed.</param>
    /// <exception cref="WorkspaceException">
    /// FILE_NOT_FOUND, OUTSIDE_PROJECT_ROOT and their like; PERMISSION_DENIED: the file has further names (hard links) of which one is a
    /// secret's or not within the project.
    /// </exception>
    public static PinnedFile Open(WorkspaceOptions options, string path, bool follow = true)
    {
        var parsed = ProjectPath.Parse(path);
        var root = ProjectRoot.Open(options.Path, options.Closed, options.WalkOnly);
        Node? node = null;
        try
        {
            node = root.Find(parsed, follow);
            var real = node.Stat.IsLink ? parsed : root.RealPath(node.Handle);
            var secret = options.IsSecretAt(parsed) || options.IsSecretAt(real);
            new HardLinks(root, options).Require(node.Stat, real, secret);
            return new PinnedFile(root, node, parsed, secret);
        }
        catch
        {
            node?.Dispose();
            root.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The file and its content as one text, the same again only while neither is different: device, inode and SHA-256 of the content; of a
    /// file over 10 MiB all that the kernel tells of it. Guessable for short contents, so it is not for strangers' eyes.
    /// </summary>
    /// <exception cref="WorkspaceException">It can't be read.</exception>
    public string Seal()
    {
        if (!Stat.IsRegular)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Stat.Kind} {Stat.Device} {Stat.Inode}");
        }

        return Bytes is { } bytes
            ? string.Create(CultureInfo.InvariantCulture,
                $"file {Stat.Device} {Stat.Inode} {Convert.ToHexStringLower(SHA256.HashData(bytes))}")
            : string.Create(CultureInfo.InvariantCulture, $"file {Stat.Device} {Stat.Inode} {Stat.Size} {Stat.Modified} {Stat.Changed}");
    }

    /// <summary>The file, for reading. It stays open when this is disposed of.</summary>
    /// <exception cref="WorkspaceException">As <see cref="Node.OpenFile"/>.</exception>
    public FileStream OpenRead() => new(OpenFile(), FileAccess.Read, bufferSize: 0);

    public void Dispose()
    {
        _node.Dispose();
        _root.Dispose();
    }

    /// <summary>All of a secret, as it was when this was first asked for; null for others, and for what is larger than 10 MiB.</summary>
    internal byte[]? Bytes => _bytes ??= IsSecret && Stat is { IsRegular: true, Size: <= FileLimits.ReadBytes } ? ReadBytes() : null;

    /// <inheritdoc cref="Node.OpenFile"/>
    internal SafeFileHandle OpenFile() => _node.OpenFile();

    /// <summary>A secret over 10 MiB must be as it was when it was held: what was read of it may be told then.</summary>
    /// <exception cref="WorkspaceException">CONFLICT</exception>
    internal void RequireUnchanged()
    {
        if (IsSecret && Bytes is null && Libc.Stat(_node.Handle) is var now && (now is not { } same || !same.IsSameAs(Stat)))
        {
            throw new WorkspaceException(ErrorCode.Conflict, $"{Path.Wire} has changed in the meantime. Ask for it again.");
        }
    }

    private byte[] ReadBytes()
    {
        using var file = OpenFile();
        var content = new byte[Stat.Size + 1];
        var length = 0;
        try
        {
            while (length < content.Length && RandomAccess.Read(file, content.AsSpan(length), length) is > 0 and var read)
            {
                length += read;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Errno.Failure(e, Path);
        }

        return length <= Stat.Size ? content[..length]
            : throw new WorkspaceException(ErrorCode.Conflict, $"{Path.Wire} grows while it is read. Try again.");
    }
}
