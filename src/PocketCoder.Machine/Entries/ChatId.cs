using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// The device id of a person in a chat. Ids of keys are 32 hexadecimal digits, so nobody who connects with a key can be this device. Pure.
/// </summary>
internal static class ChatId
{
    public static string Of(string platform, string account)
        => $"chat-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{platform}\n{account}")))[..32]}";
}
