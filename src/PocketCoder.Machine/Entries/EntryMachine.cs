using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>The machine as the entry point of one platform has it. Owns who is in; disposal ends them. Thread-safe.</summary>
/// <param name="secret">One of the platform's, as it is now; throws what <see cref="Failures"/> expects.</param>
internal sealed class EntryMachine(
    string platform, ChatPairing pairing, DeviceStore devices, ConnectionRegistry connections, MessageTable table,
    Func<EntrySecretKind, string?> secret, Store store, TimeProvider time, ILogger logger) : IEntryMachine, IAsyncDisposable
{
    private const int MostAccount = 128;

    private readonly List<PersonConnection> _open = []; // its own lock, and that of _closed
    private bool _closed;

    public IEntryNotes Notes { get; } = new EntryNotes(platform, store);

    public Task<string?> SecretAsync(EntrySecretKind kind, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult(secret(kind));
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            return Task.FromException<string?>(new EntryRefusal(Failures.ToWire(e)));
        }
    }

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

        lock (_open)
        {
            if (_closed)
            {
                throw Stopping(); // before anything is written
            }
        }

        await SeenAsync(device);
        var connection = new PersonConnection(device.DeviceId, devices, connections, table, store, time, logger);
        connections.Add(connection);
        if (!TryKeep(connection))
        {
            await connection.DisposeAsync();
            throw Stopping();
        }

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
            _closed = true;
            open = [.. _open];
        }

        foreach (var connection in open)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task SeenAsync(Device device)
    {
        try
        {
            await devices.SeenAsync(device, platform);
        }
        catch (Exception e) when (Failures.IsExpected(e))
        {
            throw new EntryRefusal(Failures.ToWire(e));
        }
    }

    /// <summary>Takes over a connection that is registered already, so that whoever ends it finds all of it.</summary>
    /// <returns>Whether disposal will find it; else it has begun.</returns>
    private bool TryKeep(PersonConnection connection)
    {
        lock (_open)
        {
            if (_closed)
            {
                return false;
            }

            _open.RemoveAll(c => c.Over.IsCancellationRequested);
            _open.Add(connection);
            return true;
        }
    }

    private static EntryRefusal Stopping()
        => new(new WireError(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back."));

    private static void Require(string account)
    {
        if (account.Length is 0 or > MostAccount || !account.All(c => c is > ' ' and <= '~'))
        {
            throw new EntryRefusal(new WireError(ErrorCode.InvalidRequest, "That is no account of the platform."));
        }
    }
}
