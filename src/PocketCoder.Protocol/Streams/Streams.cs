namespace PocketCoder.Protocol;

/// <summary>A place in a stream: everything up to and including <paramref name="Seq"/> is known.</summary>
public sealed record StreamCursor(string Stream, string Epoch, long Seq);

/// <summary>
/// Follows a stream from a cursor. The answer comes first, then every event after <paramref name="After"/> in order without
/// gaps, then live ones. A cursor of another epoch, or one that is too old to be served, is answered with <c>reset</c>: forget what you have.
/// Subscribing again to a stream moves the cursor.
/// </summary>
public sealed record SubscribeRequest(string Stream, string? Epoch = null, long After = 0);

/// <param name="Head">The stream's last seq at this moment.</param>
/// <param name="Reset">The cursor was not usable: for a session stream everything follows from 1; for <c>machine</c> ask for <c>machine_state</c> and subscribe with its cursor.</param>
public sealed record SubscribeResponse(string Stream, string Epoch, long Head, bool Reset);

public sealed record UnsubscribeRequest(string Stream);

public sealed record UnsubscribeResponse(string Stream);
