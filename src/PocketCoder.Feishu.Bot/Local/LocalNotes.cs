using PocketCoder.Feishu.Bot.Keeping;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>What the local port keeps over a restart.</summary>
internal static class LocalNotes
{
    /// <summary>By the sender's id of a request: what changes something is done once.</summary>
    public static NoteKind<RequestNote> Request { get; } = new("req/", LocalJson.Default.RequestNote, TimeSpan.FromDays(2));

    /// <summary>By task.</summary>
    public static NoteKind<TaskNote> Task { get; } = new("task/", LocalJson.Default.TaskNote, TimeSpan.FromDays(30));

    /// <summary>By project.</summary>
    public static NoteKind<AgentNote> Agent { get; } = new("agent/", LocalJson.Default.AgentNote, TimeSpan.FromDays(400));
}
