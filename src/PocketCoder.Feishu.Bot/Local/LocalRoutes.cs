using PocketCoder.Feishu.Bot.People;

namespace PocketCoder.Feishu.Bot.Local;

/// <param name="Id">What stands in the path for <c>{id}</c>.</param>
/// <param name="Body">Empty: there is none.</param>
internal sealed record LocalRequest(Person Person, string Id, ReadOnlyMemory<byte> Body);

/// <returns>The answer's JSON.</returns>
/// <exception cref="LocalFailure">It is not done.</exception>
/// <exception cref="Entry.EntryRefusal">The machine refuses.</exception>
internal delegate Task<byte[]> LocalAnswer(LocalRequest request, CancellationToken cancellationToken);

/// <summary>A route of the local port. Each needs the token.</summary>
/// <param name="Pattern">A path; <c>{id}</c> stands for one part of it.</param>
/// <param name="Changes">It may change something on the machine.</param>
internal sealed record LocalRoute(string Method, string Pattern, bool Changes, LocalAnswer Answer)
{
    private const string Hole = "{id}";

    private readonly string[] _parts = Pattern.Split('/');

    /// <returns>What stands for <c>{id}</c>, or nothing; null: it is another path.</returns>
    public string? Match(string path)
    {
        var parts = path.Split('/', _parts.Length + 1);
        return parts.Length == _parts.Length && _parts.Zip(parts).All(p => p.First == Hole ? p.Second.Length > 0 : p.First == p.Second)
            ? _parts.Zip(parts).Where(p => p.First == Hole).Select(p => p.Second).FirstOrDefault("") : null;
    }
}
