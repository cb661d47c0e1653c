using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.People;

/// <summary>
/// The owner's rule that two people must allow what may destroy something. Off unless the owner says so. A request keeps what held when it
/// was made. Thread-safe.
/// </summary>
public sealed class TwoPersonRule(Store store)
{
    /// <summary>Of its row and its setting.</summary>
    public const string Name = "two_person";

    private volatile bool _on;

    /// <summary>Raised after it was turned on or off, by whoever did so.</summary>
    public event Action? Changed;

    /// <summary>As the newest row says.</summary>
    public bool On => _on;

    /// <summary>The same within a change.</summary>
    public static bool IsOn(Change change)
        => change.Query("SELECT 1 FROM machine_rules WHERE name = $name", _ => true, ("$name", Name)).Count > 0;

    /// <summary>Whose device it is, as it stands within the change; null: nobody said, or it was revoked.</summary>
    public static string? PersonOf(Change change, string deviceId) => change.Find(
        "SELECT person FROM devices WHERE device_id = $id AND revoked_at IS NULL",
        row => row.IsDBNull(0) ? "" : row.GetString(0),
        ("$id", deviceId)) is { Length: > 0 } person ? person : null;

    public async Task LoadAsync(CancellationToken cancellationToken) => _on = (await store.QueryAsync(
        $"SELECT 1 FROM machine_rules WHERE name = '{Name}'", _ => true, cancellationToken)).Any();

    /// <summary>Turns it on or off. Does nothing when it is so already.</summary>
    /// <param name="record">Writes the row, as a part of the change.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST: nobody beside the owner could decide, so nothing could ever be allowed.</exception>
    public async Task SetAsync(bool on, Action<Change> record)
    {
        await store.WriteAsync(change =>
        {
            if (IsOn(change) == on)
            {
                return;
            }

            if (on && !change.Query("SELECT person, scopes FROM devices WHERE revoked_at IS NULL AND person IS NOT NULL",
                row => (Person: row.GetString(0), Scopes: row.GetString(1)))
                .Any(d => d.Person != PersonName.Owner && d.Scopes.Split(',').Contains(nameof(Scope.Decide))))
            {
                throw new RequestFailure(
                    ErrorCode.InvalidRequest,
                    $"Nobody beside you could decide yet: no device with the scope decide is another person's. Say whose one is: pocketcoder devices limit DEVICE --person NAME (your own: --person {PersonName.Owner}).");
            }

            change.Execute(
                on ? "INSERT INTO machine_rules (name) VALUES ($name)" : "DELETE FROM machine_rules WHERE name = $name", ("$name", Name));
            record(change);
        });
        if (_on != on)
        {
            _on = on;
            Changed?.Invoke();
        }
    }
}
