using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Search;

/// <summary>
/// Finds messages in all sessions. What is not in the index yet goes into it when somebody searches. Thread-safe.
/// </summary>
/// <param name="file">The index; made when it is not there.</param>
public sealed class SessionSearch(string file, Store store, ILogger logger) : IAsyncDisposable
{
    /// <summary>Events and their bytes that are read at once.</summary>
    private const int BatchEvents = 500;

    private const long BatchBytes = 1024 * 1024;

    /// <summary>Characters of a message that are looked at.</summary>
    private const int MostText = 64 * 1024;

    /// <summary>SQLITE_CORRUPT and SQLITE_NOTADB.</summary>
    private static readonly int[] s_broken = [11, 26];

    /// <summary>How long an answer waits for what is not indexed yet.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly SearchIndex _index = new(file); // used inside the turn only
    private readonly AsyncSemaphore _turn = new();
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _end = new();
    private readonly HashSet<Guid> _gone = []; // used inside the turn only
    private Task _catchingUp = Task.CompletedTask; // guarded by the gate

    /// <exception cref="RequestFailure">INVALID_REQUEST: no words, too many, or no such limit; UNAVAILABLE: the index can't be used</exception>
    public async Task<AgentSessionsSearchResponse> FindAsync(AgentSessionsSearchRequest request, CancellationToken cancellationToken)
    {
        if (request.Query.Length > Limits.SearchCharacters || SearchWords.Of(request.Query) is not { } words)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"Search for 1 to {Limits.SearchCharacters} characters.");
        }

        if (request.Limit is < 1 or > Limits.SearchSessions)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"A search gives 1 to {Limits.SearchSessions} sessions.");
        }

        var caughtUp = CatchUp();
        await Task.WhenAny(caughtUp, Task.Delay(s_patience, store.Time, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            var hits = await InTurnAsync(index => index.Find(words, request.Limit), cancellationToken);
            return new AgentSessionsSearchResponse(hits, !caughtUp.IsCompletedSuccessfully);
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            throw new RequestFailure(ErrorCode.Unavailable, "The machine's service is stopping.");
        }
        catch (SqliteException e)
        {
            throw new RequestFailure(ErrorCode.Unavailable, $"The search index can't be used (SQLite error {e.SqliteErrorCode}). Search again; it needs SQLite 3.34 or newer.");
        }
    }

    /// <summary>Takes a deleted session out of the index, where there is one, and keeps what is being read of it from coming in.</summary>
    /// <exception cref="SqliteException">The index can't be used.</exception>
    public Task ForgetAsync(Guid session) => InTurnAsync(
        index =>
        {
            _gone.Add(session);
            if (File.Exists(file))
            {
                index.Remove(session);
            }

            return true;
        },
        CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        Task last;
        lock (_gate)
        {
            last = _catchingUp;
        }

        await last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _turn.WaitAsync(); // and never given back: who still waits for it learns from the token that it is over
        _index.Dispose();
    }

    /// <summary>One at a time for all who ask.</summary>
    private Task CatchUp()
    {
        lock (_gate)
        {
            if (_catchingUp.IsCompleted)
            {
                _catchingUp = CatchUpAsync(_end.Token);
                _catchingUp.Observed(logger, "indexing what was said");
            }

            return _catchingUp;
        }
    }

    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        await Task.Yield(); // the caller holds the gate
        var seen = await InTurnAsync(index => index.Seen(), cancellationToken);
        var streams = await store.QueryAsync(
            "SELECT s.session_id, t.epoch, t.last_seq FROM sessions s JOIN streams t ON t.name = 'session/' || s.session_id ORDER BY s.updated_at DESC",
            row => (Session: Guid.Parse(row.GetString(0)), Epoch: row.GetString(1), Last: row.GetInt64(2)),
            cancellationToken);
        foreach (var (session, epoch, last) in streams)
        {
            var known = seen.TryGetValue(session, out var before);
            var isAnother = known && before.Epoch != epoch;
            var at = known && !isAnother ? before.Seq : 0;
            while (at < last)
            {
                var page = await store.EventsAsync(StreamHub.NameOf(session), at, BatchEvents, cancellationToken, BatchBytes);
                var said = page.Events.Select(e => Said(e.Utf8Body.Span)).OfType<SaidMessage>().ToList();
                at = page.Events.Count > 0 ? page.Events[^1].Seq : last;
                var (upTo, anew) = (at, isAnother);
                await InTurnAsync(
                    index =>
                    {
                        if (!_gone.Contains(session))
                        {
                            index.Add(session, said, epoch, upTo, anew);
                        }

                        return true;
                    },
                    cancellationToken);
                isAnother = false;
            }
        }
    }

    /// <summary>Uses the index, alone and not on the caller's thread. One that is broken is deleted.</summary>
    private async Task<T> InTurnAsync<T>(Func<SearchIndex, T> use, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _end.Token);
        await _turn.WaitAsync(either.Token);
        try
        {
            return await Task.Run(() => use(_index), CancellationToken.None);
        }
        catch (SqliteException e) when (s_broken.Contains(e.SqliteErrorCode))
        {
            _index.Discard();
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// What somebody said in this event; null: it is something else. A turn has many events: the one that it starts with counts.
    /// </summary>
    private static SaidMessage? Said(ReadOnlySpan<byte> body)
    {
        var said = JsonSerializer.Deserialize(body, ProtocolJson.Default.AgentEventPayload);
        return said switch
        {
            TurnEvent { Turn: { State: TurnState.Running } turn } => Of(SessionSpeaker.Person, turn.Content, said),
            SteerEvent { State: SteerState.Heard } steer => Of(SessionSpeaker.Person, steer.Content, said),
            TextEvent text => Of(SessionSpeaker.Agent, text.Text, said),
            ImportedEvent { Who: ImportedSpeaker.Person } imported => Of(SessionSpeaker.Person, imported.Text, said),
            ImportedEvent { Who: ImportedSpeaker.Agent } imported => Of(SessionSpeaker.Agent, imported.Text, said),
            _ => null,
        };
    }

    private static SaidMessage? Of(SessionSpeaker who, string text, AgentEventPayload said)
        => text.Length == 0 ? null : new SaidMessage(who, text.Length > MostText ? text[..MostText] : text, said.At);
}

/// <summary>The search's message.</summary>
public static class SearchRoutes
{
    public static MessageTable MapSearch(this MessageTable table, SessionSearch search) => table.Map(
        DeviceVerbs.AgentSessionsSearch, Scope.View,
        (_, request, cancellationToken) => search.FindAsync(request, cancellationToken),
        concurrent: true);
}
