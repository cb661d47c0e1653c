namespace PocketCoder.Channels;

/// <summary>Limits that an end sets for itself; they are not negotiated.</summary>
public sealed record ChannelLimits
{
    /// <summary>The limits that the product uses.</summary>
    public static ChannelLimits Default { get; } = new();

    /// <summary>The largest message in bytes, before sealing and after reassembly. 1 byte to 256 MiB; 8 MiB unless set.</summary>
    public int MaxMessageBytes
    {
        get;
        init => field = value is >= 1 and <= 256 << 20
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "a message limit is 1 byte to 256 MiB");
    }
    = 8 << 20;

    /// <summary>
    /// The largest message in bytes that is taken from the peer until <see cref="SecureChannel.Meter"/> sets another bound; at most
    /// <see cref="MaxMessageBytes"/>, which it is unless set.
    /// </summary>
    public int? MaxReceivedBytes { get; init; }

    /// <summary>The largest frame in bytes, header and tag included. Part of the protocol; only tests make it smaller.</summary>
    internal int MaxFrameBytes { get; init; } = 64 << 10;

    /// <summary>Frames of a direction under one key. Part of the protocol; only tests make it smaller.</summary>
    internal ulong RekeyInterval { get; init; } = 16_384;
}
