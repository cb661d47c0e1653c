using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.Acp;

/// <summary>How an agent is held to our tools, as data: ACP itself has no way to take an agent's own away. Immutable.</summary>
/// <param name="IsOurs">Whether a call that the agent tells of is one of ours, by the agent's own way of naming such calls.</param>
/// <param name="SetUp">Makes the settings of one start. Throws <see cref="AgentException"/>, <see cref="IOException"/> or
/// <see cref="UnauthorizedAccessException"/> when they can't be made.</param>
internal sealed record AcpGate(Func<AcpCall, bool> IsOurs, Func<AcpGateInput, AcpGateSetup> SetUp)
{
    /// <summary>Its settings hold only where nobody else can set any: in a sandbox.</summary>
    public bool InSandboxOnly { get; init; }

    /// <summary>Its program can run in a sandbox.</summary>
    public bool RunsInSandbox { get; init; }
}

/// <summary>What the settings are made of. Holds a token: never printed.</summary>
/// <param name="url">Where the agent finds our tools.</param>
/// <param name="token">What it must show there.</param>
/// <param name="environment">What it would have outside of a sandbox.</param>
internal sealed class AcpGateInput(AgentStart start, Uri url, string token, IReadOnlyDictionary<string, string> environment)
{
    public AgentStart Start { get; } = start;

    public Uri Url { get; } = url;

    public string Token { get; } = token;

    public IReadOnlyDictionary<string, string> Environment { get; } = environment;
}

/// <summary>The settings of one start. Holds a token: never printed.</summary>
internal sealed class AcpGateSetup
{
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Set beside the others.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Instead of the agent's own <see cref="AcpAgent.SessionMetaJson"/>.</summary>
    public string? SessionMetaJson { get; init; }

    /// <summary>Whether our server is named in <c>session/new</c>; else the settings name it.</summary>
    public bool NamesServer { get; init; }

    /// <summary>Beside the way to our tools.</summary>
    public AgentSandboxNeeds Needs { get; init; } = AgentSandboxNeeds.None;
}

/// <summary>Our tool server as <c>session/new</c> and its like name it. Holds a token: never printed.</summary>
internal sealed class AcpToolServer(Uri url, string token)
{
    public string Name => McpToolEndpoint.ServerName;

    public Uri Url { get; } = url;

    public string Authorization { get; } = $"Bearer {token}";
}
