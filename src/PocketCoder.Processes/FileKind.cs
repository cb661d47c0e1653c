using System.Buffers.Binary;

namespace PocketCoder.Processes;

/// <summary>Tells regular files from pipes, sockets and devices, which .NET does not. Linux only. Thread-safe.</summary>
public static class FileKind
{
    /// <summary>Whether the path (links followed) is a regular file. False when it can't be known.</summary>
    public static unsafe bool IsRegular(string path)
    {
        const int currentDirectory = -100, structureSize = 256, modeOffset = 28, typeMask = 0xF000, regular = 0x8000;
        const uint typeOnly = 1;
        var buffer = stackalloc byte[structureSize];
        return !path.Contains('\0', StringComparison.Ordinal)
            && Native.StatX(currentDirectory, path, 0, typeOnly, buffer) == 0
            && (BinaryPrimitives.ReadUInt16LittleEndian(new ReadOnlySpan<byte>(buffer + modeOffset, sizeof(ushort))) & typeMask) == regular;
    }
}
