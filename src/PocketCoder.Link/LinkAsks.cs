namespace PocketCoder.Link;

/// <summary>
/// What a machine asks of a gateway with accounts, and what it is told in a refusal (docs/link.md, login): a machine that nobody has let
/// in gets a short code for a person to type, comes again until somebody decided, and is welcome from then on because its key is known.
/// </summary>
public static class LinkAsks
{
    /// <summary>Ask: let somebody decide about this machine. What it asked before is over.</summary>
    public const string Add = "add";

    /// <summary>Ask: has somebody decided yet?</summary>
    public const string Wait = "wait";

    /// <summary>Ask: forget this machine.</summary>
    public const string Leave = "leave";

    /// <summary>Told: nobody has decided yet.</summary>
    public const string Pending = "login_pending";

    /// <summary>Told: it came again too early, and is to leave five seconds more between two tries.</summary>
    public const string SlowDown = "login_slow_down";

    /// <summary>Told: somebody said no.</summary>
    public const string Refused = "login_refused";

    /// <summary>Told: nobody decided in time, the gateway was started anew, or the machine asked once more.</summary>
    public const string Expired = "login_expired";

    /// <summary>Told: as many machines ask as may, in all or from this address.</summary>
    public const string Busy = "login_busy";

    /// <summary>Told: the machine is forgotten.</summary>
    public const string Left = "left";
}

/// <summary>What stands on the machine's screen while it waits for a person.</summary>
/// <param name="Code">8 characters for the person to type, <c>XXXX-XXXX</c>. It lets nobody in by itself.</param>
/// <param name="ExpiresIn">Seconds that it holds.</param>
/// <param name="Interval">Seconds to wait between two tries, at least.</param>
public sealed record LinkLogin(string Code, int ExpiresIn, int Interval);
