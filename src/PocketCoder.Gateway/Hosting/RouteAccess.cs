namespace PocketCoder.Gateway.Hosting;

/// <summary>Who may use a route. Every route carries one; a test fails for a route without.</summary>
internal sealed record RouteAccess(string Why)
{
    /// <summary>Anyone who passes the doorkeeper; it changes nothing and tells nothing that isn't public.</summary>
    public static RouteAccess Public { get; } = new("reads public bytes only");

    /// <summary>Anyone may connect; nothing happens until the machine's handshake proved the device's key.</summary>
    public static RouteAccess ProvenOverChannel { get; } = new("the machine proves the device inside the channel");

    /// <summary>Anyone may connect; nothing happens until a machine that is known here, or has a code, has proved its key.</summary>
    public static RouteAccess ProvenByMachine { get; } = new("the machine proves its key to the gateway");
}
