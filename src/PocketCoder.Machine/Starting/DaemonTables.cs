using PocketCoder.Ledger;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Runs;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Snapshots;

namespace PocketCoder.Machine.Starting;

/// <summary>The database's tables: each feature keeps the scripts of its own in its folder.</summary>
internal static class DaemonTables
{
    /// <summary>Once applied, in this order.</summary>
    public static IReadOnlyList<MigrationSet> All { get; } =
    [
        Of<DaemonOptions>("machine", ""),
        Of<ModelService>("models", "Models."),
        Of<ConversationService>("conversations", "Conversations."),
        Of<ProjectStore>("projects", "Projects."),
        Of<SnapshotService>("snapshots", "Snapshots."),
        Of<SessionDirectory>("prompting", "Sessions.Prompting."),
        Of<AttachmentStore>("attachments", "Attachments."),
        Of<SessionDirectory>("forks", "Sessions.Forks."),
        Of<FileService>("files", "Files."),
        Of<RunService>("commands", "Runs."),
        Of<DaemonOptions>("settings", "Starting."),
        Of<SessionDirectory>("live", "Sessions.Live."),
        Of<SessionDirectory>("marks", "Sessions.Marks."),
        Of<SessionDirectory>("deletions", "Sessions.Deleting."),
        Of<SessionDirectory>("edits", "Sessions.Tools."),
        Of<DaemonOptions>("notifications", "Notifications."),
        Of<DaemonOptions>("entries", "Entries."),
        Of<DaemonOptions>("letters", "Connections.Letters."),
    ];

    /// <typeparam name="T">Any type of the assembly that the scripts lie in.</typeparam>
    private static MigrationSet Of<T>(string name, string folder)
        => new(name, typeof(T).Assembly, $"PocketCoder.Machine.{folder}Migrations");
}
