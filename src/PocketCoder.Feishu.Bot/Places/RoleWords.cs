using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Places;

/// <summary>What a message about roles wants.</summary>
/// <param name="People">Whom it is about; none: everybody who has no role of their own.</param>
/// <param name="Scopes">What they may do at most; null: what they may do anyway.</param>
internal sealed record RoleChange(IReadOnlyList<NamedItem> People, IReadOnlyList<Scope>? Scopes);

/// <summary>Roles as people write them: the words of a gateway's roles, or scopes one by one. Pure functions.</summary>
internal static class RoleWords
{
    private const string Everyone = "everyone";
    private const string None = "none";

    private static readonly Scope[] s_all = [Scope.View, Scope.Prompt, Scope.Decide, Scope.Manage];

    private static readonly Dictionary<string, Scope[]> s_roles = new(StringComparer.Ordinal)
    {
        ["viewer"] = [Scope.View],
        ["operator"] = [Scope.View, Scope.Prompt, Scope.Decide],
        ["admin"] = s_all,
    };

    /// <summary>Reads what stands behind <c>/role</c>: <c>@PERSON… ROLE</c> or <c>everyone ROLE</c>.</summary>
    /// <param name="named">Whom the message names: their names are taken out of the text.</param>
    /// <returns>Null: it is nothing of the kind.</returns>
    public static RoleChange? Read(string text, IReadOnlyList<NamedItem> named)
    {
        foreach (var name in named.Select(n => $"@{n.Name}").OrderByDescending(n => n.Length))
        {
            text = text.Replace(name, " ", StringComparison.Ordinal);
        }

        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words switch
        {
            [Everyone, .. var role] when named.Count == 0 && ScopesIn(role, out var scopes) => new RoleChange([], scopes),
            _ when named.Count > 0 && ScopesIn(words, out var scopes)
                => new RoleChange([.. named.DistinctBy(n => n.Account, StringComparer.Ordinal)], scopes),
            _ => null,
        };
    }

    /// <summary>The word for scopes, or they themselves.</summary>
    public static string Name(IReadOnlyList<Scope> scopes)
        => s_roles.FirstOrDefault(r => scopes.Order().SequenceEqual(r.Value)).Key
            ?? string.Join(' ', scopes.Order()).ToLowerInvariant();

    /// <summary>Who is in a group sees what it shows, so every role has that.</summary>
    private static bool ScopesIn(string[] words, out IReadOnlyList<Scope>? scopes)
    {
        scopes = null;
        if (words is [None])
        {
            return true;
        }

        if (words is [var word] && s_roles.TryGetValue(word, out var role))
        {
            scopes = role;
            return true;
        }

        var found = words.Select(w => Array.FindIndex(s_all, s => s.ToString().Equals(w, StringComparison.OrdinalIgnoreCase))).ToList();
        if (found.Count == 0 || found.Contains(-1))
        {
            return false;
        }

        scopes = [.. found.Select(i => s_all[i]).Append(Scope.View).Distinct().Order()];
        return true;
    }
}
