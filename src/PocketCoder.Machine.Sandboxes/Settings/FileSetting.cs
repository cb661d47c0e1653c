using System.Security.Cryptography;
using System.Text;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Settings;

/// <summary>What a file of the home sets, as the next start compares it; who changes it remembers it with the row. Immutable.</summary>
/// <param name="Name">Of the setting; see <see cref="FileSettings"/>.</param>
/// <param name="Words">For the ledger: never a secret.</param>
/// <param name="Mark">Differs when anything in it does. Stays in the database.</param>
public sealed record FileSetting(string Name, string Words, string Mark)
{
    private const int MostChars = 500;

    /// <param name="content">Everything in it, in a form that is the same when nothing changed.</param>
    public static FileSetting Of(string name, string words, ReadOnlySpan<byte> content)
        => new(name, words.Length <= MostChars ? words : words[..MostChars], Convert.ToHexStringLower(SHA256.HashData(content)));

    public static FileSetting Of(string name, string words) => Of(name, words, Encoding.UTF8.GetBytes(words));

    /// <summary>The next start is compared with this.</summary>
    public void Remember(Change change) => Remember(change, Name, $"{Mark} {Words}");

    public static void Remember(Change change, string name, string value) => change.Execute(
        "INSERT INTO start_settings (name, value) VALUES ($name, $value) ON CONFLICT (name) DO UPDATE SET value = $value",
        ("$name", name), ("$value", value));

    /// <summary>Whether this is what was remembered; else the words of then.</summary>
    public bool Is(string remembered, out string words)
    {
        var at = remembered.IndexOf(' ', StringComparison.Ordinal);
        words = at < 0 ? "" : remembered[(at + 1)..];
        return at >= 0 && remembered[..at] == Mark;
    }
}

/// <summary>The files of the home that set something, by name.</summary>
public static class FileSettings
{
    public const string Agents = "Agents";
    public const string Feishu = "Feishu";
    public const string Label = "Label";
    public const string Prices = "Prices";
    public const string Providers = "Providers";
    public const string PushServices = "PushServices";
    public const string Receivers = "Receivers";
    public const string Secrets = "Secrets";

    public static IReadOnlyList<string> All { get; } = [Agents, Feishu, Label, Prices, Providers, PushServices, Receivers, Secrets];
}
