using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// Keeps one value in a file that is written over, in two slots in turn: after a power cut the newest value that was flushed is there, or
/// one that was being written. Replacing the file by a new one promises the same and costs several times as much: it changes the
/// folder twice, and each change is flushed. One writer at a time.
/// </summary>
/// <remarks>A slot: number (8 bytes), length (4), SHA-256 of these and the value (32), the value; little-endian.</remarks>
internal static class SlotFile
{
    private const int LengthAt = 8;
    private const int HashAt = 12;
    private const int ValueAt = HashAt + SHA256.HashSizeInBytes;
    private const int SmallestSlot = 16 * 1024;

    /// <summary>Returns when the value is on disk.</summary>
    /// <exception cref="IOException">It is not; the value before it still is.</exception>
    public static void Write(string path, ReadOnlySpan<byte> value)
    {
        var all = File.Exists(path) ? File.ReadAllBytes(path) : [];
        var size = all.Length / 2;
        var newest = Newest(all);
        var record = Record((newest?.Number ?? 0) + 1, value);
        if (record.Length > size)
        {
            all = new byte[2 * Math.Max(SmallestSlot, (int)BitOperations.RoundUpToPowerOf2((uint)record.Length))];
            record.CopyTo(all, 0);
            PrivateFile.Replace(path, all);
            return;
        }

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        RandomAccess.Write(file, record, newest is { IsFirst: true } ? size : 0);
        RandomAccess.FlushToDisk(file);
    }

    /// <summary>Null when there is none, or it was cleared.</summary>
    public static byte[]? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        var all = File.ReadAllBytes(path);
        return Newest(all) is { } newest ? all[newest.Value] : null;
    }

    /// <summary>Writes over all values, so that none is kept. A power cut soon after it may bring one of the last two back.</summary>
    public static void Clear(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        RandomAccess.Write(file, new byte[RandomAccess.GetLength(file)], 0);
    }

    private static byte[] Record(long number, ReadOnlySpan<byte> value)
    {
        var record = new byte[ValueAt + value.Length];
        BinaryPrimitives.WriteInt64LittleEndian(record, number);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(LengthAt), value.Length);
        value.CopyTo(record.AsSpan(ValueAt));
        Hash(record).CopyTo(record, HashAt);
        return record;
    }

    private static byte[] Hash(ReadOnlySpan<byte> record)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(record[..HashAt]);
        hash.AppendData(record[ValueAt..]);
        return hash.GetHashAndReset();
    }

    private static (long Number, bool IsFirst, Range Value)? Newest(byte[] all)
    {
        var size = all.Length / 2;
        var (first, second) = (At(all, 0, size), At(all, size, size));
        return second is null || first?.Number > second.Value.Number ? first : second;
    }

    private static (long Number, bool IsFirst, Range Value)? At(byte[] all, int start, int size)
    {
        var slot = all.AsSpan(start, size);
        if (size < ValueAt || BinaryPrimitives.ReadInt32LittleEndian(slot[LengthAt..]) is var length && (uint)length > size - ValueAt)
        {
            return null;
        }

        return slot.Slice(HashAt, SHA256.HashSizeInBytes).SequenceEqual(Hash(slot[..(ValueAt + length)]))
            ? (BinaryPrimitives.ReadInt64LittleEndian(slot), start == 0, (start + ValueAt)..(start + ValueAt + length))
            : null;
    }
}
