namespace PocketCoder.Entry;

/// <summary>
/// The way in over HTTP from this computer. Whoever has its token is one person, of a platform of its own: so a decision that came this way
/// says in the ledger that the token vouched, and nothing else.
/// </summary>
public static class EntryLocalHttp
{
    public const string Platform = "http";

    /// <summary>The only account there is.</summary>
    public const string Account = "local";
}
