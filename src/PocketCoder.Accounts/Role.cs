namespace PocketCoder.Accounts;

/// <summary>What a person is at a gateway, from the least to the most.</summary>
public enum Role
{
    /// <summary>Meets machines; devices are meant to be paired with <c>view</c>.</summary>
    Viewer,

    /// <summary>Meets machines; devices are meant to be paired with <c>view prompt decide</c>.</summary>
    Operator,

    /// <summary>Meets every machine, and manages operators and viewers.</summary>
    Admin,

    /// <summary>Meets every machine, and manages everybody else. There is one.</summary>
    Owner,
}

/// <summary>What a role means.</summary>
public static class Roles
{
    /// <summary>The word for a role on the wire.</summary>
    public static string NameOf(Role role) => role switch
    {
        Role.Viewer => "viewer",
        Role.Operator => "operator",
        Role.Admin => "admin",
        Role.Owner => "owner",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, null),
    };

    /// <summary>The role with this name, exactly; null: there is none.</summary>
    public static Role? Find(string? name) => name switch
    {
        "viewer" => Role.Viewer,
        "operator" => Role.Operator,
        "admin" => Role.Admin,
        "owner" => Role.Owner,
        _ => null,
    };

    /// <summary>
    /// The scopes that a device of this person is to be paired with. The gateway can't hold anybody to them: the machine does, by what the
    /// device was paired with.
    /// </summary>
    public static IReadOnlyList<string> ScopesOf(Role role) => role switch
    {
        Role.Viewer => ["view"],
        Role.Operator => ["view", "prompt", "decide"],
        _ => ["view", "prompt", "decide", "manage"],
    };

    /// <summary>Whether it meets every machine, whatever else is said.</summary>
    public static bool MeetsAll(Role role) => role >= Role.Admin;

    /// <summary>Whether somebody of the one role may invite, change and remove somebody of the other: never an equal.</summary>
    public static bool MayManage(Role one, Role other) => one >= Role.Admin && other < one;
}
