namespace PocketCoder.Machine.Status;

/// <summary>Where the daemon can be reached, once it listens. Thread-safe.</summary>
internal sealed class Addresses
{
    private volatile IReadOnlyList<string> _listening = [];
    private volatile string? _control;

    /// <summary>The gateway's. Empty: it does not listen yet.</summary>
    public IReadOnlyList<string> Listening
    {
        get => _listening;
        set => _listening = value;
    }

    /// <summary>The HTTP control plane's; null: there is none (yet).</summary>
    public string? Control
    {
        get => _control;
        set => _control = value;
    }
}
