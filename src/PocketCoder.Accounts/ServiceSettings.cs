using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Platform;

namespace PocketCoder.Accounts;

/// <summary>How a service says who somebody is.</summary>
public enum ServiceKind
{
    /// <summary>OpenID Connect, found by its issuer (Discovery 1.0).</summary>
    OpenId,

    /// <summary>GitHub, or GitHub Enterprise Server: OAuth 2.0, and the id of the user whom the token is for.</summary>
    GitHub,
}

/// <summary>A service by which people may sign in, as who runs the gateway set it.</summary>
/// <param name="Name">1 to 32 of <c>a-z 0-9 -</c>. It is part of the address that browsers come back to.</param>
/// <param name="Label">What people see on the button: 1 to 60 characters.</param>
/// <param name="ClientSecret">Null: a public client, which has PKCE alone.</param>
/// <param name="Issuer">Of OpenID Connect, exactly as the service writes it; of GitHub the base address of its pages.</param>
/// <param name="Scopes">What is asked for; <c>openid</c> is always among those of OpenID Connect.</param>
/// <param name="Api">Of GitHub, the base address of its API; else null.</param>
public sealed record SignInService(
    string Name, ServiceKind Kind, string Label, string ClientId, string? ClientSecret, string Issuer, IReadOnlyList<string> Scopes,
    string? Api = null)
{
    public const string GitHubPages = "https://github.com";
    public const string GitHubApi = "https://api.github.com";
    private const int MostOfName = 32;
    private const int MostOfValue = 500;
    private const int MostScopes = 16;

    private static readonly SearchValues<char> s_nameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>The address that has to be registered with the service, of a gateway at this origin.</summary>
    public static string ReturnAddress(string origin, string name) => $"{origin}/account/signed-in/{name}";

    /// <summary>
    /// Whether the gateway may ask there, and send browsers there: https, or http on this computer, with no name, query and fragment in it.
    /// </summary>
    public static bool IsAllowed(string? address) => Uri.TryCreate(address, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
        && uri is { UserInfo: "", Fragment: "", HostNameType: UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6 };

    /// <summary>Its name alone: the secret must not get into a log or a message by accident.</summary>
    public override string ToString() => Name;

    /// <summary>What is wrong with it, for who runs the gateway; null: nothing.</summary>
    public string? Problem()
    {
        if (Name is not { Length: >= 1 and <= MostOfName } || Name.AsSpan().ContainsAnyExcept(s_nameCharacters))
        {
            return $"The name of a service has 1 to {MostOfName} of a-z, 0-9 and -.";
        }

        if (Label is null || AccountNames.ReadOwn(Label) != Label)
        {
            return $"The label has 1 to {AccountNames.MostOfLabel} characters that can be seen.";
        }

        if (!IsValue(ClientId) || (ClientSecret is not null && !IsValue(ClientSecret)))
        {
            return $"The client id and the secret have 1 to {MostOfValue} printable ASCII characters without spaces.";
        }

        foreach (var address in (string?[])[Issuer, Kind == ServiceKind.GitHub ? Api : Issuer])
        {
            if (address is not { Length: <= MostOfValue } || !IsAllowed(address) || address.Contains('?'))
            {
                return "An address of a service begins with https:// (http:// only on this computer), without a name, ? and #.";
            }
        }

        return Scopes is null || Scopes.Count > MostScopes || Scopes.Any(s => !IsValue(s) || s.Contains('"') || s.Contains('\\'))
            ? $"A service is asked for at most {MostScopes} scopes, each without spaces."
            : Kind == ServiceKind.OpenId && !Scopes.Contains("openid", StringComparer.Ordinal) ? "OpenID Connect needs the scope openid."
                : null;
    }

    private static bool IsValue(string? text) => text is { Length: >= 1 and <= MostOfValue } && text.All(c => c is > ' ' and <= '~');
}

/// <summary>
/// The services of a gateway: one file of mode 0600, since there are secrets in it, that the command line changes and the running gateway
/// reads, each change alone and durable. Thread-safe, between processes too.
/// </summary>
public sealed class SignInServiceFile(string file)
{
    /// <summary>How many there may be.</summary>
    public const int Most = 8;

    private const int MostBytes = 64 * 1024;

    private readonly FileCopy<IReadOnlyList<SignInService>> _copy = new(file);

    /// <summary>The file of the gateway whose people are in this one.</summary>
    public static SignInServiceFile Beside(string accounts)
        => new(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(accounts))!, "sign-in.json"));

    /// <summary>The services, in the order of their names. The same list for as long as the file is the same.</summary>
    /// <exception cref="AccountRefusal"><see cref="AccountError.Unavailable"/>; the inner exception tells why.</exception>
    public IReadOnlyList<SignInService> Services => _copy.Now(Read);

    /// <summary>Sets a service, in the place of one with the same name.</summary>
    /// <exception cref="AccountRefusal">It is no good, there are too many, or the file can't be changed.</exception>
    public Task SetAsync(SignInService service, CancellationToken ct)
        => service.Problem() is { } problem ? throw new AccountRefusal(AccountError.Malformed, problem) : ChangeAsync(services =>
        {
            IReadOnlyList<SignInService> rest = [.. services.Where(s => s.Name != service.Name)];
            return rest.Count < Most ? [.. rest, service]
                : throw new AccountRefusal(AccountError.TooMany, $"There are {Most} services, the most there may be. Remove one first.");
        }, ct);

    /// <summary>Removes the service with this name. False: there is none.</summary>
    /// <exception cref="AccountRefusal">The file can't be changed.</exception>
    public async Task<bool> RemoveAsync(string name, CancellationToken ct)
    {
        var found = false;
        await ChangeAsync(services =>
        {
            found = services.Any(s => s.Name == name);
            return [.. services.Where(s => s.Name != name)];
        }, ct);
        return found;
    }

    private async Task ChangeAsync(
        Func<IReadOnlyList<SignInService>, IReadOnlyList<SignInService>> change, CancellationToken ct)
    {
        try
        {
            await using var alone = await FileLock.TakeAsync(file, ct);
            var after = change(Read()).OrderBy(s => s.Name, StringComparer.Ordinal).ToList();
            PrivateFile.Replace(file, JsonSerializer.SerializeToUtf8Bytes(
                new ServiceContent(1, after), ServiceJson.Default.ServiceContent));
            _copy.Forget();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable($"{file} can't be changed: {e.Message}", e);
        }
    }

    private IReadOnlyList<SignInService> Read()
    {
        try
        {
            using var stream = PrivateFile.Open(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (PrivateFile.IsExposed(stream.SafeFileHandle))
            {
                throw Unavailable($"Others can reach {file}, and there are secrets in it. Type: chmod 600 '{file}'");
            }

            var bytes = new byte[Math.Min(stream.Length, MostBytes + 1)];
            stream.ReadExactly(bytes);
            return bytes.Length <= MostBytes ? Parse(bytes) : throw Unavailable($"{file} is larger than {MostBytes} bytes.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unavailable($"{file} can't be read: {e.Message}", e);
        }
    }

    private IReadOnlyList<SignInService> Parse(byte[] bytes)
    {
        ServiceContent? content;
        try
        {
            content = JsonSerializer.Deserialize(bytes, ServiceJson.Default.ServiceContent);
        }
        catch (JsonException e)
        {
            throw Unavailable($"{file} is damaged: {e.Message}", e);
        }

        return content switch
        {
            { V: not 1 } => throw Unavailable($"{file} was written by a newer version."),
            { Services.Count: <= Most } when content.Services.All(s => s is not null && Enum.IsDefined(s.Kind) && s.Problem() is null)
                && content.Services.DistinctBy(s => s.Name, StringComparer.Ordinal).Count() == content.Services.Count => content.Services,
            _ => throw Unavailable($"{file} is damaged."),
        };
    }

    /// <param name="why">For who runs the gateway; it names the file.</param>
    private static AccountRefusal Unavailable(string why, Exception? inner = null)
        => new(AccountError.Unavailable, "The gateway can't use its list of services; its log says why.",
            inner: new InvalidDataException(why, inner));
}

internal sealed record ServiceContent(int V, IReadOnlyList<SignInService> Services);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false, UseStringEnumConverter = true)]
[JsonSerializable(typeof(ServiceContent))]
internal sealed partial class ServiceJson : JsonSerializerContext;
