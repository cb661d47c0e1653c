using System.Buffers;

namespace PocketCoder.Feishu;

/// <summary>The platform's ids (messages, chats, users, files, cards), which become parts of addresses.</summary>
internal static class Ids
{
    public const int Longest = 256;

    private static readonly SearchValues<char> s_letters
        = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    public static bool IsId(string? text) => text is { Length: > 0 and <= Longest } && !text.AsSpan().ContainsAnyExcept(s_letters);

    /// <exception cref="FeishuException">It is none.</exception>
    public static string Checked(string? text, string what)
        => IsId(text) ? text! : throw new FeishuException(FeishuError.Invalid, $"The {what} is no id of the platform.");
}
