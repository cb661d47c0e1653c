using System.Text.Json;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Storage;

/// <summary>
/// One change of the machine's state: rows, ledger entries and events that are committed together or not at all.
/// Valid only inside the work given to <see cref="Store.WriteAsync{T}"/>; what it publishes becomes visible after the commit.
/// </summary>
public sealed class Change(LedgerTransaction transaction, string sandbox, DateTimeOffset now, Func<byte[], byte[]> redact)
{
    private readonly List<(string Stream, long Seq, byte[] Body, string? FinishedBlock, bool Says)> _events = [];
    private readonly List<MachineEvent> _machineEvents = [];
    private readonly List<(Action Committed, Action Failed)> _afterwards = [];

    public DateTimeOffset Now { get; } = now;

    public bool MovedChain { get; private set; }

    public IReadOnlyList<(string Stream, long Seq, byte[] Body, string? FinishedBlock, bool Says)> Events => _events;

    public IReadOnlyList<MachineEvent> MachineEvents => _machineEvents;

    public int Execute(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters) => transaction.Execute(sql, parameters);

    public IReadOnlyList<T> Query<T>(
        string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<(string Name, object? Value)> parameters)
        => transaction.Query(sql, map, parameters);

    public T? Find<T>(string sql, Func<SqliteDataReader, T> map, params ReadOnlySpan<(string Name, object? Value)> parameters)
        where T : class
        => transaction.QueryFirst(sql, map, parameters);

    /// <summary>Adds a row to the hash chain. Every row says which sandbox was in force; a row that doesn't has the machine's.</summary>
    public void Ledger(LedgerEntry entry)
    {
        MovedChain = true;
        transaction.Append(entry.Sandbox is null ? entry with { Sandbox = sandbox } : entry);
    }

    /// <summary>Adds a durable event to a session's transcript and returns its seq.</summary>
    public long Event(Guid session, AgentEventPayload payload)
    {
        var stream = StreamHub.NameOf(session);
        var body = BodyOf(payload);
        var seq = transaction.AppendEvent(stream, body).Seq;
        _events.Add((stream, seq, body, FinishedBlock.Of(payload), Saying.Is(payload)));
        return seq;
    }

    /// <summary>An event as it is kept and shown.</summary>
    public byte[] BodyOf(AgentEventPayload payload)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(payload, ProtocolJson.Default.AgentEventPayload);
        return payload is ApprovalEvent ? body : redact(body); // what a person decides on is shown to the byte
    }

    /// <summary>Adds an event of another session to a transcript, as it is stored there.</summary>
    public void CopyEvent(Guid session, ReadOnlyMemory<byte> body)
    {
        var stream = StreamHub.NameOf(session);
        var copy = body.ToArray();
        _events.Add((stream, transaction.AppendEvent(stream, copy).Seq, copy, FinishedBlock.Of(body), false));
    }

    /// <summary>Deletes the oldest events of a transcript, up to this number.</summary>
    public void TrimEvents(Guid session, long through) => transaction.TrimEvents(StreamHub.NameOf(session), through);

    /// <summary>Deletes a transcript with its name. One that is made later for the same session has another epoch.</summary>
    public void DeleteStream(Guid session) => transaction.DeleteStream(StreamHub.NameOf(session));

    /// <summary>Tells everyone who watches the machine, after the commit.</summary>
    public void Publish(MachineEvent change) => _machineEvents.Add(change);

    /// <summary>
    /// For what goes along in memory or in a file: one of the two is called, on any thread, when it is known whether the change is durable.
    /// What it throws is logged.
    /// </summary>
    public void Afterwards(Action committed, Action failed) => _afterwards.Add((committed, failed));

    /// <summary>For the store, which calls each once.</summary>
    public IEnumerable<Action> After(bool isCommitted) => _afterwards.Select(a => isCommitted ? a.Committed : a.Failed);
}
