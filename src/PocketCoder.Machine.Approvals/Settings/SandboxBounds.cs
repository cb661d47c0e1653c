using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Settings;

/// <summary>How weak a sandbox may be in a project, and for whom. Immutable.</summary>
/// <param name="Usual">What is used there unless somebody chooses. Where no sandbox works: <see cref="SandboxKind.Bubblewrap"/>, since
/// nothing else stands for it.</param>
/// <param name="Floor">What the machine's owner started the daemon with, or chose for this project afterwards; null: nothing.</param>
public sealed record SandboxBounds(SandboxKind Usual, SandboxKind? Floor)
{
    /// <summary>bubblewrap = docker &gt; landlock &gt; none.</summary>
    public static bool IsWeaker(SandboxKind kind, SandboxKind than) => Strength(kind) < Strength(than);

    /// <summary>Whether this device may have commands run in such a sandbox. The owner at the machine (null) may have any.</summary>
    /// <exception cref="RequestFailure">UNAUTHORIZED; the message says who may.</exception>
    public void Require(SandboxKind wanted, Device? device)
    {
        if (device is null)
        {
            return;
        }

        if (Floor is { } floor && IsWeaker(wanted, floor))
        {
            throw new RequestFailure(
                ErrorCode.Unauthorized,
                $"The owner of this machine set its sandbox to {SandboxName.Of(floor)}, and no device may go below that ({Shown(wanted)} is weaker). "
                + $"The owner can at the machine: pocketcoder run --sandbox {SandboxName.Of(wanted)}, or pocketcoder project defaults --sandbox {SandboxName.Of(wanted)}.");
        }

        if (IsWeaker(wanted, Usual) && (device.Chat is not null || !device.Scopes.Contains(Scope.Manage)))
        {
            throw new RequestFailure(
                ErrorCode.Unauthorized,
                $"{Shown(wanted)} is weaker than what is usual here ({SandboxName.Of(Usual)}). "
                + $"Only a device that was paired with the scope 'manage' may choose it, or the owner at the machine: pocketcoder project defaults --sandbox {SandboxName.Of(wanted)}.");
        }
    }

    private static string Shown(SandboxKind kind) => kind == SandboxKind.None ? "No sandbox" : $"The sandbox {SandboxName.Of(kind)}";

    private static int Strength(SandboxKind kind) => kind switch
    {
        SandboxKind.None => 0,
        SandboxKind.Landlock => 1,
        SandboxKind.Bubblewrap or SandboxKind.Docker => 2,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
