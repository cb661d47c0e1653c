using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Channels.Noise;

/// <summary>
/// One end of a Noise IK, IKpsk2 or X handshake (revision 34, sections 7.4, 7.5 and 9):
/// <code>
/// &lt;- s
/// ...
/// -> e, es, s, ss
/// &lt;- e, ee, se (, psk)
/// </code>
/// X has the first message alone. Strictly one use: the messages in order, then <see cref="Split"/>. Any exception leaves it useless. Owns
/// the ephemeral key.
/// </summary>
internal sealed class NoiseHandshake : IDisposable
{
    private readonly SymmetricState _state;
    private readonly NoiseKeyPair _static;
    private readonly NoiseKeyPair _ephemeral;
    private readonly bool _psk;
    private readonly int _keyBytes;
    private byte[] _remoteStatic;
    private byte[] _remoteEphemeral = [];

    /// <param name="prologue">What both ends must agree on beforehand.</param>
    /// <param name="own">The static key pair; not disposed.</param>
    /// <param name="ephemeral">A fresh key pair; disposed with this object.</param>
    /// <param name="responderPublicKey">The responder's static key when this end is the initiator, null when it is the responder.</param>
    public NoiseHandshake(
        NoisePattern pattern, ReadOnlySpan<byte> prologue, NoiseKeyPair own, NoiseKeyPair ephemeral, byte[]? responderPublicKey)
    {
        _psk = pattern == NoisePattern.IKpsk2;
        _static = own;
        _ephemeral = ephemeral;
        _keyBytes = own.PublicKey.Length;
        _remoteStatic = responderPublicKey ?? [];
        _state = new SymmetricState($"Noise_{pattern}_{own.FunctionName}_AESGCM_SHA256");
        _state.MixHash(prologue);
        _state.MixHash(responderPublicKey ?? own.PublicKey);
    }

    /// <summary>The other end's static key; the responder knows it after <see cref="ReadFirst"/>.</summary>
    public byte[] RemoteStatic => _remoteStatic;

    /// <summary>The hash over the whole handshake; unique to it once both messages are through.</summary>
    public byte[] Hash => _state.Hash.ToArray();

    public static byte[] Prologue(string machineId) => Encoding.ASCII.GetBytes("pocketcoder/1" + machineId);

    public byte[] WriteFirst(ReadOnlySpan<byte> payload)
    {
        var sealedKey = _keyBytes + Aead.TagBytes;
        var message = new byte[_keyBytes + sealedKey + payload.Length + Aead.TagBytes];
        SendEphemeral(message);
        Mix(_ephemeral, _remoteStatic);
        _state.EncryptAndHash(_static.PublicKey, message.AsSpan(_keyBytes, sealedKey));
        Mix(_static, _remoteStatic);
        _state.EncryptAndHash(payload, message.AsSpan(_keyBytes + sealedKey));
        return message;
    }

    /// <exception cref="ChannelException">Malformed, BadKey or HandshakeFailed.</exception>
    public byte[] ReadFirst(ReadOnlySpan<byte> message)
    {
        var sealedKey = _keyBytes + Aead.TagBytes;
        var rest = ReceiveEphemeral(message, sealedKey + Aead.TagBytes);
        Mix(_static, _remoteEphemeral);
        _remoteStatic = new byte[_keyBytes];
        _state.DecryptAndHash(rest[..sealedKey], _remoteStatic);
        Mix(_static, _remoteStatic);
        var payload = new byte[rest.Length - sealedKey - Aead.TagBytes];
        _state.DecryptAndHash(rest[sealedKey..], payload);
        return payload;
    }

    public byte[] WriteSecond(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> psk)
    {
        var message = new byte[_keyBytes + payload.Length + Aead.TagBytes];
        SendEphemeral(message);
        Mix(_ephemeral, _remoteEphemeral);
        Mix(_ephemeral, _remoteStatic);
        MixPsk(psk);
        _state.EncryptAndHash(payload, message.AsSpan(_keyBytes));
        return message;
    }

    /// <exception cref="ChannelException">Malformed, BadKey or HandshakeFailed.</exception>
    public byte[] ReadSecond(ReadOnlySpan<byte> message, ReadOnlySpan<byte> psk)
    {
        var rest = ReceiveEphemeral(message, Aead.TagBytes);
        Mix(_ephemeral, _remoteEphemeral);
        Mix(_static, _remoteEphemeral);
        MixPsk(psk);
        var payload = new byte[rest.Length - Aead.TagBytes];
        _state.DecryptAndHash(rest, payload);
        return payload;
    }

    public (byte[] ToResponder, byte[] ToInitiator) Split() => _state.Split();

    public void Dispose()
    {
        _state.Dispose();
        _ephemeral.Dispose();
    }

    private void SendEphemeral(Span<byte> message)
    {
        _ephemeral.PublicKey.CopyTo(message);
        MixEphemeral(_ephemeral.PublicKey);
    }

    private ReadOnlySpan<byte> ReceiveEphemeral(ReadOnlySpan<byte> message, int least)
    {
        if (message.Length < _keyBytes + least)
        {
            throw new ChannelException(ChannelError.Malformed, "a handshake message is too short");
        }

        _remoteEphemeral = message[.._keyBytes].ToArray();
        MixEphemeral(_remoteEphemeral);
        return message[_keyBytes..];
    }

    private void MixEphemeral(ReadOnlySpan<byte> key)
    {
        _state.MixHash(key);
        if (_psk)
        {
            _state.MixKey(key); // section 9.2: with a psk the ephemeral also goes into the key, so that the psk never meets a repeated one
        }
    }

    private void MixPsk(ReadOnlySpan<byte> psk)
    {
        if (_psk)
        {
            _state.MixKeyAndHash(psk);
        }
    }

    private void Mix(NoiseKeyPair own, ReadOnlySpan<byte> peer)
    {
        Span<byte> shared = stackalloc byte[NoiseKeyPair.SharedBytes];
        try
        {
            own.Agree(peer, shared);
            _state.MixKey(shared);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(shared);
        }
    }
}
