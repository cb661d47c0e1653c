using PocketCoder.Git;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>Tokens for hosts that git talks to by HTTPS: secrets of the machine with names of their own. Pure.</summary>
public static class GitTokens
{
    /// <summary>The longest name that a secret can have.</summary>
    private const int LongestName = 64;

    /// <summary>The secret's name; null when that is no host, or one whose name is too long for it (more than 54 characters).</summary>
    /// <param name="place"><c>HOST</c> or <c>HOST:PORT</c>, as in the remote's address.</param>
    public static string? NameOf(string place)
    {
        try
        {
            var address = RemoteAddress.Parse($"https://{place}/repository");
            return address is { Path: "/repository", User: null, TokenName: { Length: <= LongestName } name } ? name : null;
        }
        catch (GitException)
        {
            return null;
        }
    }

    /// <summary>Host and port that a secret is the token of; null when it is none.</summary>
    public static string? PlaceOf(string secret) => secret.StartsWith(RemoteAddress.TokenPrefix, StringComparison.Ordinal)
        ? secret[RemoteAddress.TokenPrefix.Length..].Replace('_', ':') : null;
}
