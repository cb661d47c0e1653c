using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>What was chosen and learnt of a session beyond its first words.</summary>
internal sealed record PromptingRecord
{
    public static PromptingRecord None { get; } = new();

    /// <summary>One of the agent's efforts; null: its default.</summary>
    public string? Effort { get; init; }

    /// <summary>A person chose the title: the agent's own no longer counts.</summary>
    public bool Renamed { get; init; }

    /// <summary>As the agent told it last.</summary>
    public ContextInfo? Context { get; init; }
}

/// <summary>The table of it. Pure SQL; no state.</summary>
internal static class PromptingRows
{
    public static PromptingRecord Find(LedgerReader reader, Guid session) => reader.QueryFirst(
        "SELECT effort, renamed, context_used, context_window FROM session_prompting WHERE session_id = $id",
        row => new PromptingRecord
        {
            Effort = row.TextOrNull(0),
            Renamed = row.Flag(1),
            Context = row.IsDBNull(2) ? null : new ContextInfo(row.GetInt64(2), row.IsDBNull(3) ? null : row.GetInt64(3)),
        },
        ("$id", session.ToString())) ?? PromptingRecord.None;

    public static void Save(Change change, Guid session, PromptingRecord prompting) => change.Execute(
        """
        INSERT INTO session_prompting (session_id, effort, renamed, context_used, context_window) VALUES ($id, $effort, $renamed, $used, $window)
        ON CONFLICT (session_id) DO UPDATE SET effort = $effort, renamed = $renamed, context_used = $used, context_window = $window
        """,
        ("$id", session.ToString()),
        ("$effort", prompting.Effort),
        ("$renamed", prompting.Renamed),
        ("$used", prompting.Context?.UsedTokens),
        ("$window", prompting.Context?.WindowTokens));
}
