using System.Collections.Concurrent;

namespace PocketCoder.Machine.Streams;

/// <summary>Every stream that somebody writes to or follows, by name. Thread-safe.</summary>
public sealed class StreamHub
{
    public const string SessionPrefix = "session/";

    private readonly ConcurrentDictionary<string, SessionStream> _sessions = new(StringComparer.Ordinal);

    public StreamHub(string instance) => Machine = new MachineStream(instance);

    public MachineStream Machine { get; }

    public static string NameOf(Guid session) => SessionPrefix + session;

    /// <summary>The stream of a session, made at first use. <paramref name="head"/> tells its last durable seq and epoch then.</summary>
    public SessionStream Session(Guid session, Func<string, (string Epoch, long Head)> head)
        => _sessions.GetOrAdd(NameOf(session), name =>
        {
            var (epoch, seq) = head(name);
            return new SessionStream(name, epoch, seq);
        });

    /// <summary>A session was deleted: who follows it hears nothing more.</summary>
    public void Forget(Guid session) => _sessions.TryRemove(NameOf(session), out _);

    public SessionStream? FindSession(string name) => _sessions.GetValueOrDefault(name);
}
