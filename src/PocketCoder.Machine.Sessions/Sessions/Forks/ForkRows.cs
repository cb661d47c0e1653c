using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Forks;

/// <summary>What a forked session's agent goes on from.</summary>
/// <param name="NativeId">The agent's id of the other conversation.</param>
/// <param name="Mark">Its name for the end of the last turn to be taken along; null: all.</param>
internal sealed record ForkPoint(string NativeId, string? Mark);

/// <summary>A turn, as far as forking asks.</summary>
internal sealed record TurnEnd(Guid TurnId, long Ordinal, bool Over, string? Mark);

/// <summary>The table of forks. Pure SQL; no state.</summary>
internal static class ForkRows
{
    public static void Insert(Change change, Guid session, Guid origin, ForkPoint point) => change.Execute(
        "INSERT INTO session_forks (session_id, origin_id, native_id, mark) VALUES ($id, $origin, $native, $mark)",
        ("$id", session.ToString()), ("$origin", origin.ToString()), ("$native", point.NativeId), ("$mark", point.Mark));

    public static async Task<ForkPoint?> FindAsync(Store store, Guid session)
    {
        var found = await store.QueryAsync(
            "SELECT native_id, mark FROM session_forks WHERE session_id = $id", row => new ForkPoint(row.GetString(0), row.TextOrNull(1)),
            CancellationToken.None, ("$id", session.ToString()));
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>Whether there is a session of that id, and of which one it is a copy.</summary>
    public static async Task<(bool Exists, Guid? Origin)> OriginAsync(Store store, Guid session)
    {
        var found = await store.QueryAsync<Guid?>(
            "SELECT f.origin_id FROM sessions s LEFT JOIN session_forks f USING (session_id) WHERE s.session_id = $id",
            row => row.IsDBNull(0) ? null : row.Id(0), CancellationToken.None, ("$id", session.ToString()));
        return (found.Count > 0, found.Count > 0 ? found[0] : null);
    }

    /// <summary>The session's own turns, oldest first.</summary>
    public static Task<IReadOnlyList<TurnEnd>> TurnsAsync(Store store, Guid session) => store.QueryAsync(
        "SELECT turn_id, ordinal, state, mark FROM turns WHERE session_id = $id ORDER BY ordinal",
        row => new TurnEnd(row.Id(0), row.GetInt64(1), Enum.Parse<TurnState>(
            row.GetString(2), ignoreCase: true) is not (TurnState.Queued or TurnState.Running or TurnState.Waiting), row.TextOrNull(3)),
        CancellationToken.None,
        ("$id", session.ToString()));

    public static void SetMark(Change change, Guid turn, string? mark)
    {
        if (mark is not null)
        {
            change.Execute("UPDATE turns SET mark = $mark WHERE turn_id = $id", ("$mark", mark), ("$id", turn.ToString()));
        }
    }
}
