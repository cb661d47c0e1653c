using System.Collections.ObjectModel;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>
/// What each member of a group may do there, at most: <c>/role</c>. A role takes rights away and gives none. It counts for all that is done
/// to the group's project from chats, in the direct chat too.
/// </summary>
internal sealed class RoleActions(PlaceBook places, CardSender sender)
{
    /// <summary>Of single people. A place is one note, which has 60 KiB.</summary>
    private const int Most = 100;

    private const int LongestName = 40;

    private static IReadOnlyDictionary<string, RoleItem> NoRoles => ReadOnlyDictionary<string, RoleItem>.Empty;

    /// <summary>Shows the roles, or changes one.</summary>
    /// <param name="person">As their own role here lets them.</param>
    /// <exception cref="NotDone">They may not, or it can't be read.</exception>
    public async Task ChangeAsync(
        Person person, Place place, InboxItem item, string text, CancellationToken cancellationToken)
    {
        if (text.Length > 0)
        {
            var change = RoleWords.Read(text, item.Message?.Named ?? []) ?? throw new NotDone(sender.Say(BotWord.RoleUsage));
            if (!IsInCharge(person, place))
            {
                throw new NotDone(sender.Say(BotWord.RoleNotYours));
            }

            if (change.People.Any(p => p.Account == place.Owner))
            {
                throw new NotDone(sender.Say(BotWord.RoleOfOwner));
            }

            place = await places.ChangeAsync(place, p => Changed(p, change), cancellationToken)
                ?? throw new NotDone(sender.Say(BotWord.NoProject));
        }

        await sender.TextAsync(item, Text(person, place), "roles", cancellationToken);
    }

    /// <summary>Whether somebody may say who does what in a group: who bound it, or who manages the machine.</summary>
    public static bool IsInCharge(Person person, Place place)
        => place.Owner == person.Account || person.Scopes.Contains(Scope.Manage);

    private Place Changed(Place place, RoleChange change)
    {
        if (change.People.Count == 0)
        {
            return place with { Everyone = change.Scopes };
        }

        var roles = new Dictionary<string, RoleItem>(place.Roles ?? NoRoles, StringComparer.Ordinal);
        foreach (var person in change.People)
        {
            if (change.Scopes is { } scopes)
            {
                roles[person.Account] = new RoleItem(SafeText.Line(person.Name, LongestName), scopes);
            }
            else
            {
                roles.Remove(person.Account);
            }
        }

        return roles.Count > Most ? throw new NotDone(sender.Say(BotWord.RolesFull, Most)) : place with { Roles = roles };
    }

    private string Text(Person person, Place place) => string.Join(
        '\n',
        [
            $"{sender.Say(BotWord.RoleYou)}: {RoleWords.Name(person.Scopes)}",
            $"{sender.Say(BotWord.RoleEveryone)}: {(place.Everyone is { } all ? RoleWords.Name(all) : sender.Say(BotWord.RoleOwnRights))}",
            .. (place.Roles ?? NoRoles).Values
                .Select(r => $"{r.Name}: {RoleWords.Name(r.Scopes)}").Order(StringComparer.Ordinal),
        ]);
}
