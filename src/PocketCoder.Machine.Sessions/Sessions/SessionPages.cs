using System.Globalization;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>
/// Sessions by pages, the one that changed last first. A page's end is a place in that order and nothing is kept on the machine for it, so
/// a walk that nobody finishes costs nothing. What changes meanwhile only moves to the front, before every place that was given: no page
/// has a session twice, and one that moved away from the rest of a walk was announced as a <see cref="SessionChanged"/>, which is newer
/// than any page. Pure.
/// </summary>
internal static class SessionPages
{
    private const char Between = '.';

    /// <param name="limit">Sessions in the page; null: all that follow.</param>
    /// <param name="after">The place where the last page ended; null: from the first one on.</param>
    /// <returns>The page, and where it ends; null when nothing follows it.</returns>
    /// <exception cref="RequestFailure">INVALID_REQUEST: no such limit, or no place</exception>
    public static (IReadOnlyList<SessionInfo> Sessions, string? Next) Page(IEnumerable<SessionInfo> sessions, int? limit, string? after)
    {
        if (limit is < 1 or > Limits.SessionsPage)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"A page holds 1 to {Limits.SessionsPage} sessions.");
        }

        var from = after is null ? ((long Ticks, Guid Id)?)null : Read(after);
        var rest = sessions
            .Where(s => from is not { } place || Compare(s.UpdatedAt.UtcTicks, s.AgentSessionId, place) < 0)
            .OrderByDescending(s => s.UpdatedAt.UtcTicks).ThenByDescending(s => s.AgentSessionId)
            .ToList();
        if (limit is not { } most || rest.Count <= most)
        {
            return (rest, null);
        }

        rest.RemoveRange(most, rest.Count - most);
        return (rest, string.Create(CultureInfo.InvariantCulture, $"{rest[^1].UpdatedAt.UtcTicks}{Between}{rest[^1].AgentSessionId:N}"));
    }

    private static int Compare(long ticks, Guid id, (long Ticks, Guid Id) place)
        => ticks != place.Ticks ? ticks.CompareTo(place.Ticks) : id.CompareTo(place.Id);

    private static (long Ticks, Guid Id) Read(string place)
    {
        var dot = place.IndexOf(Between, StringComparison.Ordinal);
        return dot > 0 && long.TryParse(place.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            && Guid.TryParseExact(place.AsSpan(dot + 1), "N", out var id)
            ? (ticks, id)
            : throw new RequestFailure(ErrorCode.InvalidRequest, "Invalid page cursor. Start again from the first page.");
    }
}
