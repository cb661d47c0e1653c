namespace PocketCoder.Protocol;

/// <summary>A place in a stream: everything up to and including <paramref name="Seq"/> is known.</summary>
public sealed record StreamCursor(string Stream, string Epoch, long Seq);

/// <summary>
/// Follows a stream from a cursor. The answer comes first, then every event after <paramref name="After"/> in order without
/// gaps, then live ones. A cursor of another epoch, or one that is too old to be served, is answered with <c>reset</c>: forget what you
/// have. Subscribing again to a stream moves the cursor.
/// </summary>
/// <param name="Batches">
/// Several events of a session that the device missed may come in one message, <c>agent_events</c>. Without it each comes as an
/// <c>agent_event</c>; it counts for session streams only.
/// </param>
public sealed record SubscribeRequest(string Stream, string? Epoch = null, long After = 0, bool Batches = false);

/// <summary>
/// Events of a session that follow one another without a gap (message type <c>agent_events</c>): the envelope's <c>seq</c> is that of the
/// first one, each further one has the next number. Only for a subscription with <see cref="SubscribeRequest.Batches"/>, and at most
/// <see cref="Limits.BatchBytes"/> of events.
/// </summary>
public sealed record AgentEventsPayload(IReadOnlyList<AgentEventPayload> Events);

/// <param name="Head">The stream's last seq at this moment.</param>
/// <param name="Reset">The cursor was not usable: for a session stream everything follows from 1; for <c>machine</c> ask for
/// <c>machine_state</c> and subscribe with its cursor.</param>
public sealed record SubscribeResponse(string Stream, string Epoch, long Head, bool Reset);

public sealed record UnsubscribeRequest(string Stream);

public sealed record UnsubscribeResponse(string Stream);
