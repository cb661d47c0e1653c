using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>The machine as the entry point of one platform has it. Owns who is in; disposal ends them. Thread-safe.</summary>
internal sealed class EntryMachine(
    string platform, ChatPairing pairing, DeviceStore devices, ConnectionRegistry connections, MessageTable table, Store store,
    TimeProvider time, ILogger logger) : IEntryMachine, IAsyncDisposable
{
    private const int MostAccount = 128;

    private readonly List<PersonConnection> _open = []; // its own lock

    public IEntryNotes Notes { get; } = new EntryNotes(platform, store);

    public async Task<string> PairAsync(string account, string? name, string code, CancellationToken cancellationToken)
    {
        Require(account);
        try
        {
            var device = await pairing.PairAsync(platform, account, name, code);
            connections.EndDevice(device.DeviceId); // what is open has the rights of before
            return device.Name;
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            throw new EntryRefusal(Failures.ToWire(e));
        }
    }

    public async Task<IEntryPerson?> OpenAsync(string account, CancellationToken cancellationToken)
    {
        Require(account);
        if (devices.Find(ChatId.Of(platform, account)) is not { RevokedAt: null, Chat: not null } device)
        {
            return null;
        }

        await devices.SeenAsync(device, platform);
        var connection = new PersonConnection(device.DeviceId, devices, connections, table, store, time, logger);
        lock (_open)
        {
            _open.RemoveAll(c => c.Over.IsCancellationRequested);
            _open.Add(connection);
        }

        connections.Add(connection);
        if (devices.Find(device.DeviceId) is not { RevokedAt: null })
        {
            await connection.DisposeAsync(); // revoked meanwhile, before it could be ended with the others
            return null;
        }

        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        List<PersonConnection> open;
        lock (_open)
        {
            open = [.. _open];
        }

        foreach (var connection in open)
        {
            await connection.DisposeAsync();
        }
    }

    private static void Require(string account)
    {
        if (account.Length is 0 or > MostAccount || !account.All(c => c is > ' ' and <= '~'))
        {
            throw new EntryRefusal(new WireError(ErrorCode.InvalidRequest, "That is no account of the platform."));
        }
    }
}
