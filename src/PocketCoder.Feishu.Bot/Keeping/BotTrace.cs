using PocketCoder.Feishu.Api;

namespace PocketCoder.Feishu.Bot.Keeping;

/// <summary>Something that arrived: who, where and of which kind, never what was written.</summary>
internal sealed record SeenEvent(DateTimeOffset At, string EventId, string Type, string? UserId, string? ChatId, bool? IsDirect);

/// <summary>An operation that the platform was asked for.</summary>
internal sealed record SeenAttempt(DateTimeOffset At, string Operation, string? Error);

internal sealed record SeenError(DateTimeOffset At, string Stage, string Message);

/// <summary>The last twenty of what arrived, what was asked and what went wrong, in memory. Thread-safe.</summary>
internal sealed class BotTrace(TimeProvider time)
{
    private const int Most = 20;

    private readonly Lock _gate = new(); // guards what follows
    private readonly LinkedList<SeenEvent> _arrived = [];
    private readonly LinkedList<SeenAttempt> _asked = [];
    private readonly LinkedList<SeenError> _wrong = [];

    /// <summary>The newest first.</summary>
    public (IReadOnlyList<SeenEvent> Arrived, IReadOnlyList<SeenAttempt> Asked, IReadOnlyList<SeenError> Wrong) Now
    {
        get
        {
            lock (_gate)
            {
                return ([.. _arrived], [.. _asked], [.. _wrong]);
            }
        }
    }

    public void Arrived(string eventId, string type, string? userId, string? chatId, bool? isDirect)
        => Add(_arrived, new SeenEvent(time.GetUtcNow(), eventId, type, userId, chatId, isDirect));

    public void Tried(FeishuAttempt attempt)
    {
        var operation = $"{attempt.Method} {attempt.Path}";
        Add(_asked, new SeenAttempt(time.GetUtcNow(), operation, attempt.Error?.ToString()));
        if (attempt.Error is { } error)
        {
            Wrong(operation, error.ToString());
        }
    }

    /// <param name="message">Without anything that somebody wrote.</param>
    public void Wrong(string stage, string message) => Add(_wrong, new SeenError(time.GetUtcNow(), stage, message));

    private void Add<T>(LinkedList<T> ring, T one)
    {
        lock (_gate)
        {
            ring.AddFirst(one);
            if (ring.Count > Most)
            {
                ring.RemoveLast();
            }
        }
    }
}
