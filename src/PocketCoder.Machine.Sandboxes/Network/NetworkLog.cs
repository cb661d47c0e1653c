using PocketCoder.Broker.Egress;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Network;

/// <summary>
/// What went out of one sandbox and how much, as rows of the ledger: connections to the same host with the same outcome are summed over a
/// few seconds, so that a package manager's hundred connections are not a hundred rows. Thread-safe.
/// </summary>
internal sealed class NetworkLog : IAsyncDisposable
{
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(5);

    /// <summary>Different hosts and outcomes in one window; what is beyond is summed as one line without a host.</summary>
    private const int MaxLines = 64;

    private readonly Store _store;
    private readonly SandboxOwner _of;
    private readonly ITimer _timer;
    private readonly Lock _gate = new(); // guards the sums
    private readonly Dictionary<(string Host, int Port, EgressOutcome Outcome, string Why), NetworkData> _sums = [];
    private Task _writing = Task.CompletedTask;

    public NetworkLog(Store store, SandboxOwner of, TimeProvider time)
    {
        (_store, _of) = (store, of);
        _timer = time.CreateTimer(_ => Flush(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Takes one connection's record, at its end.</summary>
    public void Add(EgressRecord record)
    {
        lock (_gate)
        {
            var key = (record.Host, record.Port, record.Outcome, record.Reason);
            if (_sums.Count >= MaxLines && !_sums.ContainsKey(key))
            {
                key = ("", 0, EgressOutcome.Refused, "more hosts than are listed one by one");
            }

            var first = _sums.Count == 0;
            _sums[key] = _sums.TryGetValue(key, out var sum)
                ? sum with { Connections = sum.Connections + 1, BytesUp = sum.BytesUp + record.Up, BytesDown = sum.BytesDown + record.Down }
                : new NetworkData(key.Item1, key.Item2, Word(key.Item3), key.Item4, record.Address?.ToString(), 1, record.Up, record.Down);
            if (first)
            {
                _timer.Change(s_window, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        Flush();
        await Task.WhenAny(_writing, _store.Health.AgainAsync()); // on a full disk it goes on without its sandbox
    }

    private void Flush()
    {
        lock (_gate)
        {
            if (_sums.Count > 0)
            {
                List<NetworkData> lines = [.. _sums.Values];
                _sums.Clear();
                _writing = WriteAsync(_writing, lines);
            }
        }
    }

    private async Task WriteAsync(Task before, List<NetworkData> lines)
    {
        await before;
        try
        {
            await _store.MustWriteAsync(change =>
            {
                foreach (var line in lines)
                {
                    change.Ledger(new LedgerEntry(LedgerKind.NetworkUsed)
                    {
                        SessionId = _of.IsProject ? null : _of.Session.ToString(),
                        Actor = "machine",
                        Sandbox = SandboxName.Of(_of.Kind),
                        Data = (line with { ProjectId = _of.IsProject ? _of.Project : null }).ToJson()
                    });
                }
            });
        }
        catch (LedgerException)
        {
            // The daemon stops while nothing can be written: the decision for each of these hosts is in the ledger already, only these
            // counts are lost.
        }
    }

    private static string Word(EgressOutcome outcome) => outcome switch
    {
        EgressOutcome.Done => "done",
        EgressOutcome.BadRequest => "bad_request",
        EgressOutcome.Refused => "refused",
        EgressOutcome.PrivateAddress => "private_address",
        EgressOutcome.Unreachable => "unreachable",
        EgressOutcome.LimitReached => "limit_reached",
        EgressOutcome.NameMismatch => "name_mismatch",
        _ => "abandoned",
    };
}
