using System.Globalization;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Notifications;

/// <summary>What a device may set about its notifications. Pure.</summary>
internal static class NotificationSettings
{
    /// <summary>
    /// Everything that waits, and the ends of longer work; without details, for a locked phone shows notifications to whoever holds it.
    /// </summary>
    public static PushSettings Usual { get; } = new(
        [PushKind.Permission, PushKind.McpRequest, PushKind.Question, PushKind.Plan, PushKind.TaskComplete, PushKind.TaskError],
        null, Digest: false, Details: false, AfterSeconds: 60);

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static PushSettings Require(PushSettings settings)
    {
        if (settings.Kinds.Count != settings.Kinds.Distinct().Count() || settings.Kinds.Any(k => !Usual.Kinds.Contains(k)))
        {
            throw Invalid("kinds must name each kind once");
        }

        if (settings.AfterSeconds is < 0 or > PushLimits.AfterSeconds)
        {
            throw Invalid($"afterSeconds must be 0 to {PushLimits.AfterSeconds}");
        }

        if (settings.Quiet is { } quiet)
        {
            if (Time(quiet.From) is not { } from || Time(quiet.To) is not { } to || from == to)
            {
                throw Invalid("quiet hours need two different times like 22:00");
            }

            if (quiet.TimeZone.Length > 64 || Zone(quiet.TimeZone) is null)
            {
                throw Invalid("the machine does not know this time zone; give an IANA name like Europe/Paris, or install tzdata on the machine");
            }
        }

        return settings;
    }

    /// <summary>Whether nothing may be sent at this moment.</summary>
    public static bool IsQuiet(PushSettings settings, DateTimeOffset now)
    {
        if (settings.Quiet is not { } quiet || Zone(quiet.TimeZone) is not { } zone || Time(quiet.From) is not { } from
            || Time(quiet.To) is not { } to)
        {
            return false;
        }

        var time = TimeOnly.FromDateTime(TimeZoneInfo.ConvertTime(now, zone).DateTime);
        return from < to ? time >= from && time < to : time >= from || time < to;
    }

    private static TimeOnly? Time(string text)
        => TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time : null;

    private static TimeZoneInfo? Zone(string name)
        // A name is a path beneath the system's folder of zones: nothing but names goes there.
        => name.Length > 0 && name[0] != '/' && !name.Contains("..", StringComparison.Ordinal)
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '+')
            && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : null;

    private static RequestFailure Invalid(string why) => new(ErrorCode.InvalidRequest, $"The settings were not taken: {why}.");
}
