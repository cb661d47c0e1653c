using System.Globalization;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Watching;

/// <summary>A silence in words, without the time it lasts: whoever shows it has a clock.</summary>
internal static class SilenceText
{
    /// <summary>Null where a session's activity says it already.</summary>
    public static string? Of(QuietInfo? quiet) => quiet?.Kind switch
    {
        QuietKind.Retrying => string.Create(CultureInfo.InvariantCulture,
            $"the model provider failed{About(quiet.Detail)}; retrying ({quiet.Attempt}{(quiet.MaxAttempts is > 0 ? $" of {quiet.MaxAttempts}" : "")})"),
        QuietKind.Network => "no network on this machine",
        QuietKind.Dead => "the agent's process is gone",
        QuietKind.Silent => $"silent{(quiet.Detail is null ? "" : $"; {quiet.Detail}")}",
        _ => null,
    };

    private static string About(string? detail) => detail is null ? "" : $" ({detail})";
}
