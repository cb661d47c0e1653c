using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>Which turn goes on with which. Pure SQL; no state.</summary>
internal static class Continuations
{
    /// <summary>The turn that goes on with this one, if any.</summary>
    public static TurnInfo? Find(Change change, Guid turn)
    {
        var found = change.Query("SELECT prompt_id FROM continuations WHERE turn_id = $id", row => row.Id(0), ("$id", turn.ToString()));
        return found.Count == 0 ? null : SessionRows.FindTurn(change, found[0])?.Turn;
    }

    public static void Remember(Change change, Guid turn, Guid prompt)
        => change.Execute("INSERT OR REPLACE INTO continuations (turn_id, prompt_id) VALUES ($turn, $prompt)", ("$turn", turn.ToString()),
            ("$prompt", prompt.ToString()));

    /// <summary>Whether nothing ran in the session since.</summary>
    public static bool IsLast(Change change, Guid session, Guid turn) => change.Query(
        "SELECT turn_id FROM turns WHERE session_id = $id AND started_at IS NOT NULL ORDER BY ordinal DESC LIMIT 1", row => row.Id(0),
        ("$id", session.ToString())) is [var last] && last == turn;

    /// <summary>What the agent is told when it had begun already.</summary>
    public static string Words(string? reason)
        => $"The previous turn was cut off: {ShortText.OneLine(reason is null ? "it was interrupted." : reason.Trim())} Look at what was done already, then go on from there.";
}
