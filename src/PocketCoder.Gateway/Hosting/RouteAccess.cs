namespace PocketCoder.Gateway.Hosting;

/// <summary>Who may use a route. Every route carries one; a test fails for a route without.</summary>
internal sealed record RouteAccess(string Why)
{
    /// <summary>Anyone who passes the doorkeeper; it changes nothing and tells nothing that isn't public.</summary>
    public static RouteAccess Public { get; } = new("reads public bytes only");

    /// <summary>Anyone may connect; nothing happens until the machine's handshake proved the device's key.</summary>
    public static RouteAccess ProvenOverChannel { get; } = new("the machine proves the device inside the channel");

    /// <summary>
    /// Anyone who brings a password, a passkey, a one-time link or a refresh token, or asks to use a passkey, with a proof of a key;
    /// throttled.
    /// </summary>
    public static RouteAccess WithSecret { get; } = new("brings a secret and a proof of its key");

    /// <summary>Somebody who is signed in, with a proof of the sign-in's key, of this role or of one that is more.</summary>
    public static RouteAccess SignedIn(PocketCoder.Accounts.Role least) => new($"is signed in, and {least} at least");

    /// <summary>As <see cref="ProvenOverChannel"/>, after somebody who is signed in and may meet the machine fetched a ticket.</summary>
    public static RouteAccess WithTicket { get; } = new("brings a ticket, and the machine proves the device inside the channel");

    /// <summary>Anyone may connect; nothing happens until a machine that is known here, or has a code, has proved its key.</summary>
    public static RouteAccess ProvenByMachine { get; } = new("the machine proves its key to the gateway");
}
