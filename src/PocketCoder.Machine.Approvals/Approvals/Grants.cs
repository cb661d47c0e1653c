using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>Decisions that allow the same thing again, for a turn or a session. Pure SQL; no state.</summary>
internal static class Grants
{
    /// <summary>
    /// Of versions that did not say what a digest covers there are no allowances: nobody could tell afterwards what they reached. Those of
    /// a device end with it: who lost a phone does not want what it allowed.
    /// </summary>
    private const string GrantQuery =
        "SELECT a.body FROM grants g JOIN approvals a USING (approval_id) WHERE g.session_id = $session AND g.reach_key = $key AND (g.turn_id IS NULL OR g.turn_id = $turn) "
        + "AND json_extract(a.body, '$.covers') IS NOT NULL "
        + "AND NOT EXISTS (SELECT 1 FROM devices d WHERE d.device_id = json_extract(a.body, '$.decision.deviceId') AND d.revoked_at IS NOT NULL) LIMIT 100";

    /// <summary>Keeps a decision for the rest of the turn or session, when the request named what it reaches.</summary>
    public static void Add(Change change, ApprovalInfo asked, DecisionScope scope) => change.Execute(
        "INSERT INTO grants (approval_id, session_id, turn_id, reach_key) SELECT approval_id, session_id, $turn, reach_key FROM approvals WHERE approval_id = $id AND reach_key IS NOT NULL",
        ("$id", asked.ApprovalId.ToString()),
        ("$turn", scope == DecisionScope.Turn ? asked.TurnId.ToString() : null));

    /// <summary>
    /// The allowance that covers this. One given when the same thing destroyed nothing does not cover it once it does (a file that became a
    /// link out of the project): no person has seen that, and none held the button for it.
    /// </summary>
    public static ApprovalInfo? Find(Change change, ApprovalDraft draft, string key) => change
        .Query(GrantQuery, ApprovalRows.Map, ("$session", draft.SessionId.ToString()), ("$key", key), ("$turn", draft.TurnId.ToString()))
        .FirstOrDefault(grant => draft.Risk?.Tier != RiskTier.Destructive || grant.Risk?.Tier == RiskTier.Destructive);

    /// <summary>The decision that allows this thing for the turn or the session, when there is one.</summary>
    public static Task<ApprovalInfo?> FindAsync(Store store, Guid session, Guid turn, string reachKey) => store.ReadAsync(
        reader => reader.Query(GrantQuery, ApprovalRows.Map, ("$session", session.ToString()), ("$key", reachKey),
            ("$turn", turn.ToString())) is [var grant, ..] ? grant : null, CancellationToken.None);
}
