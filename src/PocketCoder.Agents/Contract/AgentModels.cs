namespace PocketCoder.Agents;

/// <summary>
/// Which models an agent asks, and how it would log in by itself: what the machine needs to stand in between. Holds credentials, so it is
/// no record: nothing of it may be printed.
/// </summary>
/// <param name="provider">Lower case; also the name of the secret with its key: <c>anthropic</c>, <c>openai</c>, <c>google</c>.</param>
public sealed class AgentModels(string provider)
{
    public string Provider { get; } = provider;

    /// <summary>Where the agent's own settings lead it; null: to the provider.</summary>
    public Uri? BaseUrl { get; init; }

    /// <summary>An API key of the daemon's own environment. It can stay outside of a sandbox.</summary>
    public string? Key { get; init; }

    /// <summary>The key goes as <c>Authorization: Bearer</c>.</summary>
    public bool KeyIsBearer { get; init; }

    /// <summary>
    /// The access token of the person's own login (a subscription), as it is now, or null. It belongs to this agent's program and is given
    /// to nothing else; what could renew it is never given.
    /// </summary>
    public Func<string?> Login { get; init; } = static () => null;

    /// <summary>Why a login that is there can't be used now, and what to do, for people; null when there is none or it can.</summary>
    public Func<string?> LoginProblem { get; init; } = static () => null;

    /// <summary>
    /// Outside of a sandbox it asks its models by itself, also when the machine has a key: its own settings say how it logs in, and nothing
    /// overrules them there.
    /// </summary>
    public bool ByItselfOutside { get; init; }

    /// <summary>
    /// Why its own way to its models can't be gone from a sandbox, for people; null when it can, or when it has none. While there is no
    /// key, such an agent runs as a child of the daemon and asks by itself.
    /// </summary>
    public string? OnlyByItself { get; init; }
}

/// <summary>How an agent reaches its models through the machine. Holds a credential, so it is no record.</summary>
/// <param name="baseUrl">As the agent's settings take it.</param>
/// <param name="credential">What the agent shows there: worth nothing elsewhere, except with <paramref name="isLogin"/>.</param>
/// <param name="isLogin">The credential is the person's own login and real.</param>
public sealed class AgentModelAccess(string baseUrl, string credential, bool isLogin)
{
    public string BaseUrl { get; } = baseUrl;

    public string Credential { get; } = credential;

    public bool IsLogin { get; } = isLogin;
}
