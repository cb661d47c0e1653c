using PocketCoder.Protocol;

namespace PocketCoder.Machine.Streams;

/// <summary>Which events a person who was away must hear of: words, requests, files and the end of a turn. Pure.</summary>
public static class Saying
{
    /// <summary>The same as <see cref="Is"/> by the events' names, for stored ones. Of requests all states are among them.</summary>
    public const string Kinds = "'text','error','done','sent_file','prompt'";

    public static bool Is(AgentEventPayload payload)
        => payload is TextEvent or ErrorEvent or DoneEvent or SentFileEvent or ApprovalEvent { Approval.State: ApprovalState.Pending };
}
