namespace PocketCoder.Accounts;

/// <summary>What the user who runs the gateway does with its people, from the command line. The file's rights are the permission.</summary>
public sealed class AccountAdministration(AccountStore store, TimeProvider time)
{
    /// <summary>Everybody, oldest first.</summary>
    /// <exception cref="AccountRefusal">The file can't be read.</exception>
    public IReadOnlyList<UserView> Users => People.View(store.Now);

    /// <summary>
    /// Makes the link's token with which one person becomes the owner, or the owner gets a new way to sign in. The one before it ends.
    /// </summary>
    /// <exception cref="AccountRefusal">The file can't be changed.</exception>
    public async Task<string> NewOwnerLinkAsync(CancellationToken ct)
    {
        var token = Secrets.New();
        await store.ChangeAsync(content => content with
        {
            Links =
            [
                .. content.Links.Where(l => l.Role != Role.Owner),
                new LinkRecord(
                    Secrets.NewId(), Secrets.HashOf(token), Role.Owner, null, null, time.GetUtcNow() + AccountLimits.OwnerLinkLife),
            ],
        }, ct);
        return token;
    }

    /// <summary>Removes a person, the owner too. They are signed out everywhere. Null: there is no such person.</summary>
    /// <exception cref="AccountRefusal">The file can't be changed.</exception>
    public async Task<UserView?> RemoveAsync(string name, CancellationToken ct)
    {
        UserView? removed = null;
        await store.ChangeAsync(content =>
        {
            if (content.UserNamed(AccountNames.Read(name)) is not { } user)
            {
                return content;
            }

            removed = People.View(content).Single(u => u.Name == user.Name);
            return content.WithoutUser(user.Id);
        }, ct);
        return removed;
    }
}
