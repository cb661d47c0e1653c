using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Platform;

namespace PocketCoder.Acme;

/// <summary>What was tried, so that a restart does not ask an authority sooner than it may be asked.</summary>
/// <param name="Account">The account's address at <paramref name="Directory"/>.</param>
/// <param name="Failures">In a row.</param>
internal sealed record CertificateState(Uri? Directory, Uri? Account, int Failures, DateTimeOffset? NextTry, string? LastError)
{
    public static CertificateState None { get; } = new(null, null, 0, null, null);
}

/// <summary>What a certificate on the disk is good for.</summary>
internal sealed record CertificateLife(DateTimeOffset NotBefore, DateTimeOffset NotAfter);

/// <summary>
/// The files of one gateway's certificate, all 0600 in a folder of 0700: <c>account.pem</c>, <c>certificate.pem</c> (chain and key in one
/// file, so that they always fit), <c>state.json</c>. Each is replaced whole.
/// </summary>
internal sealed class CertificateFolder(string folder)
{
    private const int MaxFile = 512 * 1024;

    public string Certificate => Path.Combine(folder, "certificate.pem");

    private string Account => Path.Combine(folder, "account.pem");

    private string State => Path.Combine(folder, "state.json");

    public AccountKey OpenAccountKey() => Guard(() =>
    {
        PrivateFolder.Make(folder);
        if (!File.Exists(Account))
        {
            using var made = AccountKey.Create();
            PrivateFile.TryCreate(Account, Encoding.ASCII.GetBytes(made.ToPem()));
        }

        return AccountKey.FromPem(Read(Account));
    });

    /// <summary>Null: there is none, or it is not for all of these names.</summary>
    public CertificateLife? Life(IReadOnlyList<string> names) => Guard(() =>
    {
        if (!File.Exists(Certificate))
        {
            return null;
        }

        using var leaf = X509Certificate2.CreateFromPem(Read(Certificate));
        return names.All(n => leaf.MatchesHostname(n, allowCommonName: false))
            ? new CertificateLife(new(leaf.NotBefore.ToUniversalTime()), new(leaf.NotAfter.ToUniversalTime())) : null;
    });

    public void Write(string pem) => Guard(() =>
    {
        PrivateFile.Replace(Certificate, Encoding.ASCII.GetBytes(pem));
        return true;
    });

    /// <summary>One that can't be read is none: nothing in it is worth a refusal.</summary>
    public CertificateState ReadState()
    {
        try
        {
            return File.Exists(State)
                ? JsonSerializer.Deserialize(Read(State), CertificateJson.Default.CertificateState) ?? CertificateState.None
                : CertificateState.None;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or FormatException)
        {
            return CertificateState.None;
        }
    }

    public void Write(CertificateState state) => Guard(() =>
    {
        PrivateFolder.Make(folder);
        PrivateFile.Replace(State, JsonSerializer.SerializeToUtf8Bytes(state, CertificateJson.Default.CertificateState));
        return true;
    });

    private static string Read(string file)
    {
        using var stream = PrivateFile.Open(file, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (PrivateFile.IsExposed(stream.SafeFileHandle))
        {
            throw new IOException($"others can read it. Run: chmod 600 {file}");
        }

        return stream.Length <= MaxFile ? new StreamReader(stream).ReadToEnd() : throw new IOException("it is too large.");
    }

    private T Guard<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new AcmeException(AcmeError.Files, $"The certificate's files in {folder} can't be used: {e.Message}", e);
        }
    }
}

[JsonSerializable(typeof(CertificateState))]
internal sealed partial class CertificateJson : JsonSerializerContext;
