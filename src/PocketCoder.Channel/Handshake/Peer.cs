namespace PocketCoder.Channels;

/// <summary>The device at the other end, as its static key names it.</summary>
public sealed class Peer
{
    private readonly byte[] _publicKey;

    internal Peer(byte[] publicKey)
    {
        _publicKey = publicKey;
        Id = P256.Id(publicKey);
    }

    /// <summary>The id that belongs to <see cref="PublicKey"/>.</summary>
    public string Id { get; }

    /// <summary>65 bytes. Look a device up by the whole key, not by its id alone.</summary>
    public ReadOnlySpan<byte> PublicKey => _publicKey;
}

/// <summary>What the machine knows of a device.</summary>
public enum DeviceStanding
{
    /// <summary>Never paired.</summary>
    Unknown,

    /// <summary>Paired, and trusted.</summary>
    Known,

    /// <summary>Paired once; not trusted any more.</summary>
    Revoked,
}
