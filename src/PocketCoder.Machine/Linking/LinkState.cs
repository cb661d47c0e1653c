using System.Text.Json.Serialization;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Linking;

/// <summary>How it stands with the remote gateway.</summary>
[JsonConverter(typeof(LowerSnake<LinkState>))]
public enum LinkState
{
    /// <summary>No gateway is set.</summary>
    Off,

    /// <summary>A connection is being made.</summary>
    Connecting,

    /// <summary>Devices reach this machine through the gateway.</summary>
    Connected,

    /// <summary>The connection was lost, or could not be made; the next try is at <see cref="LinkStatus.NextTry"/>.</summary>
    Reconnecting,

    /// <summary>The gateway does not take this machine; somebody must do something.</summary>
    Refused,
}

/// <summary>How it stands with the remote gateway.</summary>
/// <param name="Gateway">Its address; null: none is set.</param>
/// <param name="Since">Since when it is as it is.</param>
/// <param name="Why">Why it is not connected, for people.</param>
/// <param name="GatewayVersion">Of the gateway's program, once it was connected.</param>
/// <param name="LastConnectedAt">When it was connected last; null: not since the daemon started.</param>
/// <param name="AddedBy">
/// The person who let this machine in there, once it was connected; null: it came by a code, or the gateway does not say.
/// </param>
public sealed record LinkStatus(
    LinkState State, Uri? Gateway, DateTimeOffset Since, string? Why = null, DateTimeOffset? NextTry = null, string? GatewayVersion = null,
    DateTimeOffset? LastConnectedAt = null, string? AddedBy = null);
