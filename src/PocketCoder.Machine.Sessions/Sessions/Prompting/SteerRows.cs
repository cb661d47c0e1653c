using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>Words said into a running turn.</summary>
internal sealed record SteerRecord(Guid PromptId, Guid SessionId, Guid TurnId, string Content, string? DeviceId, SteerState State);

/// <summary>The steers table. Pure SQL; no state.</summary>
internal static class SteerRows
{
    private const string Columns = "SELECT prompt_id, session_id, turn_id, content, device_id, state FROM steers";

    public static SteerRecord? Find(Change change, Guid prompt)
        => change.Find($"{Columns} WHERE prompt_id = $id", Map, ("$id", prompt.ToString()));

    /// <summary>Writes it down and tells the session's stream.</summary>
    public static SteerRecord Insert(Change change, SteerRecord steer)
    {
        change.Execute(
            "INSERT INTO steers (prompt_id, session_id, turn_id, content, device_id, state, created_at) VALUES ($id, $session, $turn, $content, $device, $state, $at)",
            ("$id", steer.PromptId.ToString()),
            ("$session", steer.SessionId.ToString()),
            ("$turn", steer.TurnId.ToString()),
            ("$content", steer.Content),
            ("$device", steer.DeviceId),
            ("$state", Word(steer.State)),
            ("$at", Instant.Text(change.Now)));
        Tell(change, steer);
        return steer;
    }

    /// <summary>Writes down what became of it and tells the session's stream.</summary>
    public static SteerRecord Update(Change change, SteerRecord steer)
    {
        change.Execute("UPDATE steers SET state = $state WHERE prompt_id = $id", ("$id", steer.PromptId.ToString()),
            ("$state", Word(steer.State)));
        Tell(change, steer);
        return steer;
    }

    /// <summary>
    /// What a killed daemon was just saying: nobody knows whether the agent heard it. It waits in the queue, which is held, so that a
    /// person decides whether it is said (again).
    /// </summary>
    public static void Recover(Change change)
    {
        foreach (var steer in change.Query($"{Columns} WHERE state = 'sending' ORDER BY created_at, prompt_id", Map))
        {
            Update(change, steer with { State = SteerState.Queued });
            if (SessionRows.FindTurn(change, steer.PromptId) is null)
            {
                SessionRows.Enqueue(change, steer.SessionId, steer.PromptId, steer.Content, steer.DeviceId, []);
            }

            change.Event(steer.SessionId, new NoticeEvent(NoticeLevel.Warning,
                MayHaveBeenHeard("The machine stopped while this was said to the agent"))
            { At = change.Now, TurnId = steer.TurnId });
            change.Execute("UPDATE sessions SET held = 1 WHERE session_id = $id", ("$id", steer.SessionId.ToString()));
        }
    }

    public static string MayHaveBeenHeard(string why)
        => $"{why}, so it may have been heard. It waits in the queue: let it go to say it again, or take it out.";

    private static void Tell(Change change, SteerRecord steer)
        => change.Event(steer.SessionId,
            new SteerEvent(steer.PromptId, steer.Content, steer.DeviceId, steer.State) { At = change.Now, TurnId = steer.TurnId });

    private static SteerRecord Map(Microsoft.Data.Sqlite.SqliteDataReader row)
        => new(row.Id(0), row.Id(1), row.Id(2), row.GetString(3), row.TextOrNull(4),
            Enum.Parse<SteerState>(row.GetString(5), ignoreCase: true));

    private static string Word(SteerState state) => state.ToString().ToLowerInvariant();
}
