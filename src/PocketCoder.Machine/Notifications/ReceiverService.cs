using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.Notifications;

/// <summary>The owner's own receivers of notifications: kept in the home, told by the service that tells devices. Thread-safe.</summary>
internal sealed class ReceiverService(ReceiverSettings settings, NotificationService notifications, Store store)
{
    private readonly AsyncSemaphore _changing = new();

    public IReadOnlyList<Receiver> All => settings.All;

    /// <summary>From now on those that the home has are told.</summary>
    public void Begin()
    {
        foreach (var receiver in settings.All)
        {
            notifications.Put(IdOf(receiver.Name), receiver.Target(), receiver.Settings());
        }
    }

    /// <summary>What became of the last one; null: none was sent since the start.</summary>
    public PushReport? LastOf(string name) => notifications.LastOf(IdOf(name));

    /// <summary>Sets one, or replaces the one of its name.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST; CONFLICT: there are too many</exception>
    public async Task SetAsync(Receiver receiver)
    {
        var (target, how) = (TargetOf(receiver), receiver.Settings());
        await _changing.WaitAsync();
        try
        {
            if (!await settings.SetAsync(receiver, store))
            {
                throw new RequestFailure(
                    ErrorCode.Conflict, $"There are {ReceiverSettings.Most} receivers. Remove one first: pocketcoder notify remove NAME");
            }

            notifications.Put(IdOf(receiver.Name), target, how);
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <returns>The one that was removed; null: there was none.</returns>
    public async Task<Receiver?> RemoveAsync(string name)
    {
        await _changing.WaitAsync();
        try
        {
            var removed = await settings.RemoveAsync(name, store);
            notifications.Remove(IdOf(name));
            return removed;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Sends one at once.</summary>
    /// <exception cref="RequestFailure">CONFLICT: there is none of this name</exception>
    public async Task<PushReport> TestAsync(string name, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken); // it is not removed meanwhile
        try
        {
            return settings.Find(name) is null ? throw NoSuch() : await notifications.TestAsync(IdOf(name), cancellationToken);
        }
        finally
        {
            _changing.Release();
        }
    }

    public static RequestFailure NoSuch()
        => new(ErrorCode.Conflict, "There is no receiver of this name. See: pocketcoder notify list");

    /// <summary>No device has an id like this.</summary>
    private static string IdOf(string name) => $"notify/{name}";

    private static PushTarget TargetOf(Receiver receiver)
    {
        try
        {
            return receiver.Target();
        }
        catch (PushException e)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, e.Message);
        }
    }
}
