using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Platform;

namespace PocketCoder.Channels;

/// <summary>
/// The file that holds an identity: JSON
/// <c>{"v":1,"kind":"pocketcoder-identity","channel":private,"channelPublic":…,"signing":private,"signingPublic":…}</c>, base64, private
/// keys as PKCS#8, mode 0600. The public keys are there so that a damaged private key does not pass for another identity. Not encrypted: a
/// daemon starts without a person. Whoever reads as the owner is the machine.
/// </summary>
internal static class IdentityFile
{
    private const int Version = 1;
    private const string Kind = "pocketcoder-identity";
    private const int MaxBytes = 16 << 10;

    public static ChannelIdentity Read(string path)
    {
        byte[] bytes = [];
        try
        {
            bytes = ReadBytes(path);
            var content = JsonSerializer.Deserialize(bytes, IdentityJson.Default.IdentityFileContent);
            if (content is not { V: Version, Kind: Kind })
            {
                throw new ChannelException(ChannelError.IdentityMalformed, $"'{path}' is not an identity file of version {Version}");
            }

            try
            {
                var identity = ChannelIdentity.Import(content.Channel, content.Signing);
                if (identity.PublicKey.SequenceEqual(content.ChannelPublic)
                    && identity.SigningPublicKey.SequenceEqual(content.SigningPublic)
                    && identity.IsConsistent())
                {
                    return identity;
                }

                identity.Dispose();
                throw new CryptographicException("the keys do not belong together");
            }
            finally
            {
                content.Wipe();
            }
        }
        // the last: a curve that is none
        catch (Exception e) when (e is JsonException or CryptographicException or PlatformNotSupportedException)
        {
            // The inner exception of a JSON error quotes the file's bytes; those are keys. So it is left out.
            throw new ChannelException(ChannelError.IdentityMalformed,
                $"'{path}' does not hold an identity; restore it from a backup, or move it away and pair every device anew");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>Writes the identity unless there is a file already; then false, and the file is as it was.</summary>
    public static bool TryWriteNew(string path, ChannelIdentity identity)
    {
        var content = new IdentityFileContent
        {
            V = Version,
            Kind = Kind,
            Channel = identity.Static.ExportPkcs8(),
            ChannelPublic = identity.PublicKey.ToArray(),
            Signing = identity.ExportSigningPkcs8(),
            SigningPublic = identity.SigningPublicKey.ToArray(),
        };
        var bytes = JsonSerializer.SerializeToUtf8Bytes(content, IdentityJson.Default.IdentityFileContent);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return PrivateFile.TryCreate(path, bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ChannelException(ChannelError.IdentityUnavailable, $"'{path}' cannot be written", e);
        }
        finally
        {
            content.Wipe();
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);

            if (PrivateFile.IsExposed(file.SafeFileHandle))
            {
                throw new ChannelException(
                    ChannelError.IdentityExposed,
                    $"'{path}' holds private keys and others can reach it; if you trust those who could, run: chmod 600 '{path}' - else remove it and pair every device anew");
            }

            if (file.Length > MaxBytes)
            {
                throw new ChannelException(ChannelError.IdentityMalformed, $"'{path}' is too large for an identity file");
            }

            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ChannelException(ChannelError.IdentityMissing, $"there is no identity file '{path}'", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ChannelException(ChannelError.IdentityUnavailable, $"'{path}' cannot be read", e);
        }
    }
}

internal sealed class IdentityFileContent
{
    public required int V { get; init; }

    public required string Kind { get; init; }

    public required byte[] Channel { get; init; }

    public required byte[] ChannelPublic { get; init; }

    public required byte[] Signing { get; init; }

    public required byte[] SigningPublic { get; init; }

    public void Wipe()
    {
        CryptographicOperations.ZeroMemory(Channel);
        CryptographicOperations.ZeroMemory(Signing);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(IdentityFileContent))]
internal sealed partial class IdentityJson : JsonSerializerContext;
