using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Platform;

/// <summary>What statx(2) says of a file, which .NET tells only in part. Linux only.</summary>
/// <param name="Links">How many names the file has.</param>
/// <param name="Allocated">Bytes that it takes on disk.</param>
/// <param name="Device">Both halves of the device's number; with <paramref name="Inode"/> it names the file, whatever it is called.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FileStatus(uint Links, uint User, uint Group, int Mode, ulong Inode, long Allocated, ulong Device)
{
    private const int StructureBytes = 256;
    private const int TypeMask = 0xF000, RegularType = 0x8000;
    private const uint BasicStats = 0x7ff;

    public bool IsRegular => (Mode & TypeMask) == RegularType;

    public uint DeviceMajor => (uint)Device;

    public uint DeviceMinor => (uint)(Device >> 32);

    /// <summary>Links followed; null when it can't be seen (<see cref="Marshal.GetLastPInvokeError"/>) or the path holds a zero.</summary>
    public static unsafe FileStatus? Of(string path)
    {
        var buffer = stackalloc byte[StructureBytes];
        if (path.Contains('\0', StringComparison.Ordinal) || FileCalls.StatX(FileCalls.CurrentDirectory, path, 0, BasicStats, buffer) != 0)
        {
            return null;
        }

        var bytes = new ReadOnlySpan<byte>(buffer, StructureBytes);
        return new FileStatus(
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]),
            BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[48..]) * 512,
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[136..]));
    }
}
