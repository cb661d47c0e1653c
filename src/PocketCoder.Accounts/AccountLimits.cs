namespace PocketCoder.Accounts;

/// <summary>How many there may be, and how long they last.</summary>
public static class AccountLimits
{
    public const int MostUsers = 1000;

    /// <summary>Of one person. One more ends the one that was used the longest ago.</summary>
    public const int MostSignInsOfUser = 50;

    /// <summary>Of all people together.</summary>
    public const int MostSignIns = 10_000;

    /// <summary>Invitations that can be used at once.</summary>
    public const int MostInvitations = 50;

    /// <summary>Of one person.</summary>
    public const int MostPasskeysOfUser = 20;

    /// <summary>Accounts at other services by which one person signs in.</summary>
    public const int MostServicesOfUser = 8;

    /// <summary>Machines that are named for one person.</summary>
    public const int MostMachinesOfUser = 100;

    /// <summary>Of the link that makes an owner.</summary>
    public static readonly TimeSpan OwnerLinkLife = TimeSpan.FromHours(24);

    public static readonly TimeSpan InvitationLife = TimeSpan.FromDays(7);

    public static readonly TimeSpan AccessLife = TimeSpan.FromMinutes(10);

    public static readonly TimeSpan TicketLife = TimeSpan.FromSeconds(30);

    /// <summary>How long a browser has to answer what it is to do with a passkey.</summary>
    public static readonly TimeSpan PasskeyChallengeLife = TimeSpan.FromMinutes(5);

    /// <summary>How long a browser has to come back from a service that it was sent to.</summary>
    public static readonly TimeSpan ServiceChallengeLife = TimeSpan.FromMinutes(5);

    /// <summary>A sign-in that was not used for so long has ended.</summary>
    public static readonly TimeSpan SignInIdle = TimeSpan.FromDays(30);

    /// <summary>Every sign-in ends after so long.</summary>
    public static readonly TimeSpan SignInLife = TimeSpan.FromDays(180);

    /// <summary>How long the refresh token before the newest is taken, because an answer may be lost.</summary>
    public static readonly TimeSpan RetryWindow = TimeSpan.FromSeconds(60);

    /// <summary>Of the file, in bytes.</summary>
    internal const int MostBytes = 16 * 1024 * 1024;
}
