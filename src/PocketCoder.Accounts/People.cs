using System.Buffers;

namespace PocketCoder.Accounts;

/// <summary>
/// Who may sign in: people and invitations. Whoever asks has proved who they are; their role is looked at again inside each change.
/// Thread-safe.
/// </summary>
public sealed class People(AccountStore store, TimeProvider time)
{
    private static readonly SearchValues<char> s_idCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Everybody and the open invitations, for somebody who manages people.</summary>
    /// <exception cref="AccountRefusal">They do not.</exception>
    public (IReadOnlyList<UserView> Users, IReadOnlyList<InvitationView> Invitations) List(Person person)
    {
        var content = store.Now;
        _ = Manager(content, person);
        return (View(content), [.. content.Links.Where(l => l.Role != Role.Owner)
            .Select(l => new InvitationView(l.Id, l.Role, l.Machines, content.UserOf(l.By)?.Name, l.EndsAt))]);
    }

    /// <summary>Makes a link for one more person, of a lesser role than one's own.</summary>
    /// <param name="machines">Ids of the machines that they may meet; null: all.</param>
    /// <exception cref="AccountRefusal">The role, the machines or the number of invitations does not allow it.</exception>
    public async Task<NewInvitation> InviteAsync(Person person, Role role, IReadOnlyList<string>? machines, CancellationToken ct)
    {
        Require(machines);
        var (token, ends) = (Secrets.New(), time.GetUtcNow() + AccountLimits.InvitationLife);
        await store.ChangeAsync(content =>
        {
            var manager = Manager(content, person, role);
            if (content.Links.Count(l => l.Role != Role.Owner) >= AccountLimits.MostInvitations)
            {
                throw new AccountRefusal(AccountError.TooMany, $"{AccountLimits.MostInvitations} invitations are open. End one first.");
            }

            return content with
            {
                Links = [.. content.Links, new LinkRecord(Secrets.NewId(), Secrets.HashOf(token), role, machines, manager.Id, ends)],
            };
        }, ct);
        return new NewInvitation(token, ends);
    }

    /// <summary>Ends an invitation that was not used.</summary>
    /// <exception cref="AccountRefusal">There is none with this id, or the role does not allow it.</exception>
    public Task UninviteAsync(Person person, string id, CancellationToken ct) => store.ChangeAsync(content =>
    {
        var link = content.Links.FirstOrDefault(l => l.Id == id && l.Role != Role.Owner);
        _ = Manager(content, person, link?.Role);
        return link is null ? throw new AccountRefusal(AccountError.NotFound, "There is no such invitation.")
            : content.WithoutLink(link.Hash);
    }, ct);

    /// <summary>Gives somebody another role and other machines, at once and everywhere.</summary>
    /// <exception cref="AccountRefusal">There is no such person, or the role does not allow it.</exception>
    public Task ChangeAsync(Person person, string name, Role role, IReadOnlyList<string>? machines, CancellationToken ct)
    {
        Require(machines);
        return store.ChangeAsync(content =>
        {
            var user = Managed(content, person, name);
            _ = Manager(content, person, role);
            var changed = content.With(user with { Role = role, Machines = machines });
            return role >= Role.Admin ? changed : changed with { Links = [.. changed.Links.Where(l => l.By != user.Id)] };
        }, ct);
    }

    /// <summary>Removes somebody, who is signed out everywhere.</summary>
    /// <exception cref="AccountRefusal">As <see cref="ChangeAsync"/>.</exception>
    public Task RemoveAsync(Person person, string name, CancellationToken ct)
        => store.ChangeAsync(content => content.WithoutUser(Managed(content, person, name).Id), ct);

    /// <summary>Ends all sign-ins of somebody, who may sign in again.</summary>
    /// <exception cref="AccountRefusal">As <see cref="ChangeAsync"/>.</exception>
    public Task SignOutAsync(Person person, string name, CancellationToken ct)
        => store.ChangeAsync(content => content.WithoutSignIns(Managed(content, person, name).Id), ct);

    internal static IReadOnlyList<UserView> View(AccountContent content)
        => [.. content.Users.OrderBy(u => u.CreatedAt).ThenBy(u => u.Name, StringComparer.Ordinal).Select(
            u => new UserView(u.Name, u.Role, u.Machines, u.CreatedAt, content.SignIns.Count(s => s.UserId == u.Id)))];

    private static UserRecord Managed(AccountContent content, Person person, string name)
    {
        var user = content.UserNamed(AccountNames.Read(name));
        _ = Manager(content, person, user?.Role);
        return user ?? throw new AccountRefusal(AccountError.NotFound, "There is no such person.");
    }

    /// <summary>Who asks, as they are now, if they may manage people of this role.</summary>
    /// <param name="other">Null: people at all.</param>
    private static UserRecord Manager(AccountContent content, Person person, Role? other = null)
    {
        var user = content.SignInOf(person.SignInId) is null ? null : content.UserOf(person.UserId);
        if (user is null)
        {
            throw new AccountRefusal(AccountError.NotSignedIn, "This sign-in has ended.");
        }

        return Roles.MayManage(user.Role, other ?? Role.Viewer) ? user
            : throw new AccountRefusal(AccountError.Forbidden, "Your role does not allow that.");
    }

    private static void Require(IReadOnlyList<string>? machines)
    {
        if (machines is not null && (machines.Count > AccountLimits.MostMachinesOfUser
            || machines.Any(m => m is not { Length: >= 1 and <= 64 } || m.AsSpan().ContainsAnyExcept(s_idCharacters))))
        {
            throw new AccountRefusal(
                AccountError.Malformed, $"Name at most {AccountLimits.MostMachinesOfUser} machines, by their ids.");
        }
    }
}
