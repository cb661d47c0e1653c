using PocketCoder.Entry;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// The names of a platform's own secrets among the machine's. They are no model provider's and no git host's, so no way by which a secret
/// leaves the machine leads to them, but the entry point's. Pure.
/// </summary>
internal static class EntrySecret
{
    private const int Most = 256;

    public static string NameOf(string platform, EntrySecretKind kind = EntrySecretKind.App)
        => kind switch
        {
            EntrySecretKind.App => $"{platform}-app-secret",
            EntrySecretKind.Webhook => $"{platform}-webhook-key",
            _ => $"{platform}-token",
        };

    /// <summary>Why it can't be one, in a sentence that quotes nothing of it; null: it can.</summary>
    public static string? Problem(string secret)
        => secret.Length is 0 or > Most || secret.Any(c => c is <= ' ' or > '~')
            ? $"An app's secret is one word of 1 to {Most} printable characters." : null;
}
