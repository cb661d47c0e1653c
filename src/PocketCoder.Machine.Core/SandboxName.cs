using PocketCoder.Protocol;

namespace PocketCoder.Machine;

/// <summary>A kind of sandbox as it stands in tables and ledger rows.</summary>
public static class SandboxName
{
    public static string Of(SandboxKind kind) => kind switch
    {
        SandboxKind.None => "none",
        SandboxKind.Bubblewrap => "bubblewrap",
        SandboxKind.Docker => "docker",
        SandboxKind.Landlock => "landlock",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <exception cref="FormatException">A newer version wrote it.</exception>
    public static SandboxKind Parse(string name)
        => Enum.GetValues<SandboxKind>().Where(k => Of(k) == name).Cast<SandboxKind?>().FirstOrDefault()
        ?? throw new FormatException($"There is no sandbox {name} in this version.");
}
