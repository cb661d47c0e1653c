namespace PocketCoder.Channels;

/// <summary>The second byte of a first handshake frame.</summary>
public enum HandshakePattern : byte
{
    /// <summary>IK: a known device connects.</summary>
    Reconnect = 0,

    /// <summary>IKpsk2: a device that holds a pairing link connects.</summary>
    Pair = 1,
}
