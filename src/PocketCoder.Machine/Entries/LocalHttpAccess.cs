using System.Security.Cryptography;
using PocketCoder.Entry;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// Who may ask at the local port: whoever has its token, as one person without keys, listed and revoked among the devices. What may destroy
/// something they never allow. For one change at a time.
/// </summary>
internal sealed class LocalHttpAccess(DeviceStore devices, ConnectionRegistry connections, SecretService secrets)
{
    private const string Name = "Local HTTP";
    private const int TokenBytes = 32;

    private static readonly string s_id = ChatId.Of(EntryLocalHttp.Platform, EntryLocalHttp.Account);
    private static readonly string s_secret = EntrySecret.NameOf(EntryLocalHttp.Platform, EntrySecretKind.Token);

    /// <summary>Makes a token in the place of the one that there may be; both what it is worth and that it was made are rows.</summary>
    public async Task<string> GrantAsync(IReadOnlyList<Scope> scopes)
    {
        await secrets.RemoveAsync(s_secret); // the one of before must not get the rights of this one
        await devices.AddAsync(
            s_id, Name, EntryLocalHttp.Platform, [], [], [.. scopes.Append(Scope.View).Distinct().Order()],
            new ChatPerson(EntryLocalHttp.Platform, EntryLocalHttp.Account, Destructive: false));
        connections.EndDevice(s_id);
        var token = RandomNumberGenerator.GetHexString(2 * TokenBytes, lowercase: true);
        await secrets.SetAsync(s_secret, token);
        return token;
    }

    /// <summary>Nobody may ask there any more, from now on.</summary>
    public async Task EndAsync()
    {
        await secrets.RemoveAsync(s_secret);
        if (devices.Find(s_id) is { RevokedAt: null })
        {
            await devices.RevokeAsync(s_id, "cli");
            connections.EndDevice(s_id);
        }
    }
}
