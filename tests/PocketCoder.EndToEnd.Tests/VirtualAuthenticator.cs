using Microsoft.Playwright;

namespace PocketCoder.EndToEnd.Tests;

/// <summary>Chromium's own authenticator for tests, as one that is built into a phone, whose person is there.</summary>
internal sealed class VirtualAuthenticator
{
    private readonly ICDPSession _devTools;
    private string _id = "";

    private VirtualAuthenticator(ICDPSession devTools) => _devTools = devTools;

    /// <summary>In the page that is open now, for as long as it is.</summary>
    public static async Task<VirtualAuthenticator> InAsync(BrowserPhone phone)
    {
        var authenticator = new VirtualAuthenticator(await phone.Context.NewCDPSessionAsync(phone.Page));
        await authenticator._devTools.SendAsync("WebAuthn.enable");
        await authenticator.AddAsync();
        return authenticator;
    }

    /// <summary>Whether its person unlocks it from now on.</summary>
    public Task UnlocksAsync(bool unlocks) => _devTools.SendAsync(
        "WebAuthn.setUserVerified", new Dictionary<string, object> { ["authenticatorId"] = _id, ["isUserVerified"] = unlocks });

    /// <summary>Puts another one in its place, which knows nothing.</summary>
    public async Task ReplaceAsync()
    {
        await _devTools.SendAsync("WebAuthn.removeVirtualAuthenticator", new Dictionary<string, object> { ["authenticatorId"] = _id });
        await AddAsync();
    }

    private async Task AddAsync()
    {
        var answer = await _devTools.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = new Dictionary<string, object>
            {
                ["protocol"] = "ctap2",
                ["transport"] = "internal",
                ["hasResidentKey"] = true,
                ["hasUserVerification"] = true,
                ["isUserVerified"] = true,
                ["automaticPresenceSimulation"] = true,
            },
        });
        _id = answer!.Value.GetProperty("authenticatorId").GetString()!;
    }
}
