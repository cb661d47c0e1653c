using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Devices;

/// <summary>
/// Names that people know devices by: on approvals, in the ledger, in the list where one is revoked. None may look like another. Pure.
/// </summary>
public static class DeviceNames
{
    /// <summary>Who else acts or decides, by the names that rows and approvals have for them.</summary>
    private static readonly string[] s_reserved =
    [
        ApprovalService.CommandLine, ApprovalService.Person, "the owner", "the command line", "machine", "the machine", "time-out",
        "restart", "grant", "agent", "the agent",
    ];

    /// <summary>A name that a device may have, trimmed.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static string Require(string? name)
    {
        var trimmed = Text(name, "A device's name");
        return s_reserved.Any(r => NameShape.LookAlike(r, trimmed))
            ? throw new RequestFailure(
                ErrorCode.InvalidRequest,
                $"The name {trimmed} is reserved: the ledger and approvals use it, or one that looks like it, for something else (the command line, the machine, the owner, …). Choose another name.")
            : trimmed;
    }

    /// <summary>What a device says its program is: the same letters, but nobody goes by it.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static string RequireApp(string? app) => Text(app, "A device's app");

    /// <exception cref="RequestFailure">INVALID_REQUEST: another device is known by it, or by one that looks like it</exception>
    public static void RequireFree(string name, IEnumerable<string> others)
    {
        if (others.FirstOrDefault(o => NameShape.LookAlike(o, name)) is { } taken)
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest,
                $"Another device is named {taken}, which looks the same. Choose a name that can't be confused with it.");
        }
    }

    /// <summary>The name, or the name with the first number behind it that makes it like none of the others.</summary>
    public static string Free(string name, IReadOnlyCollection<string> others)
    {
        var free = name;
        for (var number = 2; others.Any(o => NameShape.LookAlike(o, free)); number++)
        {
            var end = FormattableString.Invariant($" ({number})");
            var start = name[..Math.Min(name.Length, Limits.NameLength - end.Length)];
            free = (char.IsHighSurrogate(start[^1]) ? start[..^1] : start).TrimEnd() + end;
        }

        return free;
    }

    private static string Text(string? text, string what)
    {
        var trimmed = text?.Trim() ?? "";
        return trimmed.Length is >= 1 and <= Limits.NameLength && NameShape.IsPlain(trimmed)
            ? trimmed
            : throw new RequestFailure(
                ErrorCode.InvalidRequest,
                $"{what} must have 1 to {Limits.NameLength} visible characters: letters of one script per word, digits, punctuation and single spaces.");
    }
}
