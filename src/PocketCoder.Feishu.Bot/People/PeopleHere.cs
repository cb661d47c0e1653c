using PocketCoder.Entry;

namespace PocketCoder.Feishu.Bot.People;

/// <summary>The paired people whom the bot lately heard of, each with one connection. Owns those; thread-safe.</summary>
internal sealed class PeopleHere(IEntryMachine machine) : IAsyncDisposable
{
    /// <summary>Of more, those for whom nothing is followed leave.</summary>
    private const int Most = 100;

    private readonly SemaphoreSlim _gate = new(1, 1); // guards the people, and that each comes in once
    private readonly Dictionary<string, ConnectedPerson> _people = new(StringComparer.Ordinal);

    /// <returns>Null: nobody with this id is paired (any more).</returns>
    public async Task<ConnectedPerson?> FindAsync(string account, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_people.GetValueOrDefault(account) is { } known)
            {
                if (!known.Over.IsCancellationRequested)
                {
                    return known;
                }

                _people.Remove(account);
                await known.DisposeAsync();
            }

            if (await machine.OpenAsync(account, cancellationToken) is not { } person)
            {
                return null;
            }

            await MakeRoomAsync();
            return _people[account] = new ConnectedPerson(account, person);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>A connection of its own for somebody, to be disposed by who asks.</summary>
    /// <inheritdoc cref="FindAsync"/>
    public async Task<ConnectedPerson?> VisitAsync(string account, CancellationToken cancellationToken)
        => await machine.OpenAsync(account, cancellationToken) is { } person ? new ConnectedPerson(account, person) : null;

    /// <exception cref="EntryRefusal">The code is none.</exception>
    public async Task<string> PairAsync(string account, string code, CancellationToken cancellationToken)
        => await machine.PairAsync(account, null, code, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync(); // whoever is let in now is disposed below
        try
        {
            foreach (var person in _people.Values)
            {
                await person.DisposeAsync();
            }

            _people.Clear();
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task MakeRoomAsync()
    {
        foreach (var person in _people.Values.Where(p => _people.Count >= Most && !p.IsFollowing).Take(Most / 2).ToList())
        {
            _people.Remove(person.Account);
            await person.DisposeAsync();
        }
    }
}
