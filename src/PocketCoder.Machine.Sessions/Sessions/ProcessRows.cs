using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Sessions;

/// <summary>Which agent processes are alive, so that a daemon that was killed leaves nobody behind for good.</summary>
internal static class ProcessRows
{
    public static void Remember(Change change, Guid session, ProcessIdentity process) => change.Execute(
        "INSERT INTO agent_processes (session_id, pid, start_ticks, boot_id, mark) VALUES ($id, $pid, $ticks, $boot, $mark) ON CONFLICT (session_id) DO UPDATE SET pid = $pid, start_ticks = $ticks, boot_id = $boot, mark = $mark",
        ("$id", session.ToString()),
        ("$pid", process.Pid),
        ("$ticks", process.StartTicks),
        ("$boot", process.BootId),
        ("$mark", process.Mark));

    public static void Forget(Change change, Guid session)
        => change.Execute("DELETE FROM agent_processes WHERE session_id = $id", ("$id", session.ToString()));

    public static void ForgetAll(Change change) => change.Execute("DELETE FROM agent_processes");

    /// <summary>Everything that was alive when somebody last knew.</summary>
    public static IReadOnlyList<ProcessIdentity> List(LedgerReader reader) => reader.Query(
        "SELECT pid, start_ticks, boot_id, mark FROM agent_processes",
        row => new ProcessIdentity(row.GetInt32(0), row.GetInt64(1), row.GetString(2)) { Mark = row.TextOrNull(3) });
}
