using PocketCoder.Accounts;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Link;
using static PocketCoder.Gateway.Hosting.Accounts.MachineMessages;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>
/// What owner and admins ask about machines: who waits with this code, yes or no, and away with one (docs/accounts.md, machines). A yes is
/// for the key that was shown, and takes effect by being written into the list of machines: there is nothing that a third one could take.
/// </summary>
internal sealed class MachineTable(MachineLogins logins, Enrolments enrolments, LinkedMachines linked, TimeProvider time)
{
    private const string Path = AccountTable.Path + "/machines";

    private static readonly NothingMore s_done = new();

    private readonly CodeTries _tries = new(time);

    public IReadOnlyList<AccountRoute> Rows =>
    [
        AccountRoute.ForBrowser(Role.Admin, Path + "/find", Default.CodeRequest, Default.MachineLoginAnswer,
            (proof, person, asked, _) => Task.FromResult(Find(proof, person, asked.Code))),
        AccountRoute.For(Role.Admin, Path + "/add", Default.LoginRequest, Default.NothingMore,
            (person, asked, ct) => AddAsync(person, asked.Id, ct)),
        AccountRoute.For(Role.Admin, Path + "/refuse", Default.LoginRequest, Default.NothingMore,
            (_, asked, _) => Task.FromResult(logins.Decide(asked.Id, yes: false) is null ? throw Gone() : s_done)),
        AccountRoute.For(Role.Admin, Path + "/remove", Default.MachineRequest, Default.NothingMore,
            (_, asked, ct) => RemoveAsync(asked.Machine, ct)),
    ];

    private MachineLoginAnswer Find(Proof proof, Person person, string code)
    {
        _tries.Take(person, proof);
        var found = logins.Find(code)
            ?? throw new AccountRefusal(AccountError.NotFound, "No machine waits with this code, or not any more.");
        _tries.GiveBack(person, proof);
        return new MachineLoginAnswer(
            found.Id, found.MachineId, found.Label, LinkFingerprint.Of(found.MachineId, found.SigningKey), found.Version,
            found.Remote?.ToString(), found.AskedAt, found.EndsAt);
    }

    private async Task<NothingMore> AddAsync(Person person, string id, CancellationToken ct)
    {
        var machine = logins.Decide(id, yes: true) ?? throw Gone();
        var added = false;
        try
        {
            added = await enrolments.AddAsync(machine.MachineId, machine.SigningKey, machine.Label, person.Name, ct);
        }
        catch (GatewayRefusal e)
        {
            throw Told(e);
        }
        finally
        {
            if (added)
            {
                logins.End(id);
            }
            else
            {
                logins.Undecide(id);
            }
        }

        return added ? s_done
            : throw new AccountRefusal(AccountError.NotFound, "A machine with this id and another key came meanwhile. Remove it first.");
    }

    private async Task<NothingMore> RemoveAsync(string machine, CancellationToken ct)
    {
        bool removed;
        try
        {
            removed = await enrolments.RemoveAsync(machine, ct);
        }
        catch (GatewayRefusal e)
        {
            throw Told(e);
        }

        linked.End(machine); // at once, not when the watch looks
        return removed ? s_done : throw new AccountRefusal(AccountError.NotFound, "There is no such machine.");
    }

    private static AccountRefusal Gone()
        => new(AccountError.NotFound, "This machine does not wait any more, or somebody has decided already.");

    private static AccountRefusal Told(GatewayRefusal e) => e.Reason == RefusalReason.TooMany
        ? new AccountRefusal(AccountError.TooMany, "This gateway has as many machines as it can have.", inner: e)
        : new AccountRefusal(AccountError.Unavailable, "The gateway can't use its list of machines; its log says why.", inner: e);
}
