using PocketCoder.Entry;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.People;

/// <summary>A paired person, or as much of one as they are in a group. Thread-safe.</summary>
/// <param name="within">Of their scopes only these count; null: all.</param>
internal class Person(string account, IEntryPerson person, IReadOnlyList<Scope>? within = null)
{
    public string Account => account;

    public string Name => person.Name;

    public IReadOnlyList<Scope> Scopes => within is null ? person.Scopes : [.. person.Scopes.Where(within.Contains)];

    protected IEntryPerson Inner => person;

    /// <summary>The same with no other scopes than these; null: as they are.</summary>
    public Person Within(IReadOnlyList<Scope>? scopes) => scopes is null ? this : new Person(account, person, scopes);

    /// <exception cref="EntryRefusal">The machine refuses.</exception>
    public Task<TResponse> AskAsync<TRequest, TResponse>(
        Verb<TRequest, TResponse> verb, TRequest request, CancellationToken cancellationToken)
        => person.AskAsync(verb, request, within, cancellationToken);
}
