using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PocketCoder.Protocol;

namespace PocketCoder.Workspace.Beneath;

/// <summary>What statx(2) says; the structure is the same on every architecture.</summary>
/// <param name="Links">Names that a file has.</param>
/// <param name="Mode">Type and permissions.</param>
/// <param name="Changed">Of the inode, in nanoseconds since 1970: nobody but the kernel sets it.</param>
/// <param name="Modified">Nanoseconds since 1970.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct NodeStat(
    uint Links, uint User, uint Group, int Mode, ulong Inode, long Size, long Changed, long Modified, ulong Device)
{
    /// <summary>The bits of <see cref="Mode"/> that tell what it is (inode(7)).</summary>
    public const int TypeMask = 0xF000;

    public const int RegularType = 0x8000, LinkType = 0xA000, DirectoryType = 0x4000, PermissionMask = 0x1FF;

    public bool IsRegular => (Mode & TypeMask) == RegularType;

    public bool IsLink => (Mode & TypeMask) == LinkType;

    public bool IsDirectory => (Mode & TypeMask) == DirectoryType;

    /// <summary>Without set-id and sticky bits: those are never given to new content.</summary>
    public int Permissions => Mode & PermissionMask;

    public FsKind Kind => IsRegular ? FsKind.File : IsDirectory ? FsKind.Dir : IsLink ? FsKind.Symlink : FsKind.Other;

    /// <summary>Times before 1970 or beyond what .NET knows are told as its ends.</summary>
    public DateTimeOffset Mtime => DateTimeOffset.UnixEpoch.AddTicks(
        Math.Clamp(Modified / 100, -TimeSpan.TicksPerDay * 365 * 1000, TimeSpan.TicksPerDay * 365 * 7000));

    /// <summary>Whether it is the same file with the same content, as far as the kernel tells.</summary>
    public bool IsSameAs(NodeStat other)
        => (Device, Inode, Size, Modified, Changed) == (other.Device, other.Inode, other.Size, other.Modified, other.Changed);

    public static NodeStat Read(ReadOnlySpan<byte> stat) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(stat[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(stat[20..]),
        BinaryPrimitives.ReadUInt32LittleEndian(stat[24..]),
        BinaryPrimitives.ReadUInt16LittleEndian(stat[28..]),
        BinaryPrimitives.ReadUInt64LittleEndian(stat[32..]),
        BinaryPrimitives.ReadInt64LittleEndian(stat[40..]),
        Time(stat[96..]),
        Time(stat[112..]),
        BinaryPrimitives.ReadUInt64LittleEndian(stat[136..]));

    private static long Time(ReadOnlySpan<byte> time)
        => (BinaryPrimitives.ReadInt64LittleEndian(time) * 1_000_000_000) + BinaryPrimitives.ReadUInt32LittleEndian(time[8..]);
}
