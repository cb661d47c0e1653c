using PocketCoder.Gateway;

namespace PocketCoder.Machine.Linking;

/// <summary>Where the app that meets this machine is opened from elsewhere. Touches one file of the home.</summary>
public static class AppAddress
{
    /// <summary>
    /// The remote gateway first, since it is reached from everywhere, then the first name under which the machine's own gateway is asked
    /// for. Of the start: a gateway that is linked later is not in it.
    /// </summary>
    /// <returns>An https address; null: none is known.</returns>
    /// <exception cref="HomeRefusal">The file that names the gateway is damaged.</exception>
    public static Uri? Of(Home home, GatewayOptions own)
    {
        var link = LinkSetting.Load(home, TimeProvider.System);
        return link.Gateway is { } gateway && gateway.Scheme == Uri.UriSchemeHttps ? gateway
            : own.Names.Select(n => OfName(n, own)).FirstOrDefault(a => a is not null);
    }

    /// <summary>A name stands for exactly its port, or without one for that of the proxy or of the gateway.</summary>
    private static Uri? OfName(string name, GatewayOptions own)
    {
        if (!Uri.TryCreate($"https://{name}", UriKind.Absolute, out var address) || address.IsLoopback)
        {
            return null;
        }

        var port = own.Listen is [var first, ..] ? first.Port : GatewayOptions.DefaultPort;
        var named = !name.EndsWith(']') && name.Contains(':', StringComparison.Ordinal);
        return named || own.BehindProxy ? address : port == 0 ? null : new UriBuilder(address) { Port = port }.Uri;
    }
}
