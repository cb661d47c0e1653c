using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Feishu.Bot.Keeping;

/// <summary>
/// Ids made from an event's: whatever is done again for it, after a failure or a restart, is done under the same ids, and so once. Pure.
/// </summary>
internal static class EventIds
{
    private const int LongestKey = 100;
    private const int UuidDigits = 32;

    /// <summary>An id (UUIDv7) for the machine.</summary>
    /// <param name="purpose">What it is for: one event may need several.</param>
    public static Guid Of(InboxItem item, string purpose)
    {
        Span<byte> bytes = stackalloc byte[16];
        Hash(item.Id, purpose).AsSpan(0, 16).CopyTo(bytes);
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, item.At.ToUnixTimeMilliseconds());
        time[2..].CopyTo(bytes);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0F));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3F));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>A uuid for the platform, 32 characters: of two messages that are sent with it, it makes one.</summary>
    public static string Uuid(string id, string purpose) => Convert.ToHexStringLower(Hash(id, purpose))[..UuidDigits];

    /// <summary>A platform's id as a part of a note's key.</summary>
    public static string Key(string id) => id.Length <= LongestKey ? id : Uuid(id, "key");

    private static byte[] Hash(string id, string purpose) => SHA256.HashData(Encoding.UTF8.GetBytes($"{purpose}\n{id}"));
}
