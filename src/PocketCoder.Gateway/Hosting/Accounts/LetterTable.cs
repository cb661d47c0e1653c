using PocketCoder.Accounts;
using PocketCoder.Gateway.Relay;
using PocketCoder.Gateway.Relay.Letters;
using static PocketCoder.Gateway.Hosting.Accounts.LetterMessages;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>What people ask about the letters that they leave for machines which are away (docs/accounts.md, letters).</summary>
/// <param name="isKnown">Whether this gateway knows a machine.</param>
internal sealed class LetterTable(
    LetterStore letters, LetterCarrier carrier, SignIns signIns, Func<string, bool> isKnown, TimeProvider time)
{
    /// <summary>Of a request with the largest letter, in base64.</summary>
    internal const int MostBytes = 96 * 1024;

    private const string Path = AccountTable.Path + "/letters";
    private const int LongestId = 64;

    private static readonly NothingMore s_done = new();

    public IReadOnlyList<AccountRoute> Rows =>
    [
        AccountRoute.For(Role.Operator, Path + "/leave", Default.LeaveLetterRequest, Default.NothingMore,
            (person, asked, _) => Task.FromResult(Leave(person, asked)), mostBytes: MostBytes),
        AccountRoute.For(Role.Operator, Path, Default.NothingMore, Default.LettersAnswer,
            (person, _, _) => Task.FromResult(new LettersAnswer([.. Keeping(() => letters.Of(person.UserId)).Select(
                l => new LetterView(l.Id, l.Machine, l.LeftAt, l.EndsAt))]))),
        AccountRoute.For(Role.Operator, Path + "/withdraw", Default.IdRequest, Default.WithdrawnAnswer,
            (person, asked, _) => Task.FromResult(new WithdrawnAnswer(Withdraw(person, asked.Id)))),
    ];

    private NothingMore Leave(Person person, LeaveLetterRequest asked)
    {
        var now = time.GetUtcNow();
        if (asked.Id.Length is 0 or > LongestId || !asked.Id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            || asked.EndsAt <= now || asked.EndsAt > now + LetterStore.Life
            || !RelayFrame.IsValid(asked.Letter) || asked.Letter[0] != RelayFrame.Letter)
        {
            throw new AccountRefusal(AccountError.Malformed, "This is no letter, or it would hold for more than seven days.");
        }

        // Looked up in either case, so that both take as long.
        var exists = isKnown(asked.Machine);
        if (!signIns.MayMeet(person.SignInId, asked.Machine) || !exists)
        {
            throw new AccountRefusal(AccountError.NotFound, "There is no such machine.");
        }

        var refusal = Keeping(() => letters.Leave(
            new StoredLetter(asked.Id, asked.Machine, person.UserId, person.SignInId, now, asked.EndsAt, asked.Letter)));
        switch (refusal)
        {
            case LetterRefusal.TooMany:
                throw new AccountRefusal(AccountError.TooMany, "Too many letters wait already. Withdraw some, or wait for the machine.");
            case LetterRefusal.OtherWithThisId:
                throw new AccountRefusal(AccountError.Malformed, "Another letter with this id waits.");
            default:
                carrier.Wake(asked.Machine);
                return s_done;
        }
    }

    private bool Withdraw(Person person, string id) => Keeping(() => letters.Withdraw(person.UserId, id));

    private static T Keeping<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AccountRefusal(AccountError.Unavailable, "The gateway can't keep letters now; its log says why.", inner: e);
        }
    }
}
