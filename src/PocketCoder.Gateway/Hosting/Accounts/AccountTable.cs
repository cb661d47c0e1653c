using System.Text.Json;
using PocketCoder.Accounts;
using PocketCoder.Gateway.Relay.Machines;
using static PocketCoder.Gateway.Hosting.Accounts.AccountMessages;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>Everything that can be asked about accounts, and who may: the one place (docs/accounts.md).</summary>
internal sealed class AccountTable(
    SignIns signIns, Passkeys passkeys, SignInServices services, People people, Enrolments enrolments, LinkedMachines linked)
{
    /// <summary>Where anybody learns that this gateway has accounts.</summary>
    public const string Path = "/v1/accounts";

    private static readonly NothingMore s_done = new();

    public IReadOnlyList<AccountRoute> Rows => [.. OfSignIns, .. OfPasskeys, .. OfServices, .. OfPeople];

    private IEnumerable<AccountRoute> OfSignIns =>
    [
        AccountRoute.Open(Path + "/welcome", Default.WelcomeRequest, Default.TokensAnswer, async (proof, asked, ct) => Shown(
            await signIns.WelcomeAsync(proof, asked.Token, new Credentials(asked.Name, asked.Password, asked.Key, asked.Label), ct))),
        AccountRoute.Open(Path + "/sign-in", Default.SignInRequest, Default.TokensAnswer, async (proof, asked, ct) => Shown(
            await signIns.SignInAsync(proof, new Credentials(asked.Name, asked.Password, asked.Key, asked.Label), ct))),
        AccountRoute.Open(Path + "/refresh", Default.RefreshRequest, Default.TokensAnswer, async (proof, asked, ct) => Shown(
            await signIns.RefreshAsync(proof, asked.Refresh, ct))),
        AccountRoute.For(Role.Viewer, Path + "/me", Default.NothingMore, Default.MeAnswer, (person, _, _) => Task.FromResult(Me(person))),
        AccountRoute.For(Role.Viewer, Path + "/machines", Default.NothingMore, Default.MachinesAnswer,
            (person, _, _) => Task.FromResult(Machines(person))),
        AccountRoute.For(Role.Viewer, Path + "/ticket", Default.TicketRequest, Default.TicketAnswer,
            (person, asked, _) => Task.FromResult(Ticket(person, asked.Machine))),
        AccountRoute.For(Role.Viewer, Path + "/sign-out", Default.NothingMore, Default.NothingMore,
            (person, _, ct) => DoneAsync(signIns.EndAsync(person, person.SignInId, ct)), ends: true),
        AccountRoute.For(Role.Viewer, Path + "/sign-ins/end", Default.IdRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(signIns.EndAsync(person, asked.Id, ct)), ends: true),
        AccountRoute.For(Role.Viewer, Path + "/password", Default.PasswordRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(signIns.ChangePasswordAsync(person, asked.Old, asked.New, ct)), ends: true),
    ];

    private IEnumerable<AccountRoute> OfPasskeys =>
    [
        AccountRoute.Open(Path + "/passkeys/begin-sign-in", Default.KeyRequest, Default.PasskeyQuestionAnswer,
            async (proof, asked, _) => Shown(await passkeys.BeginSignInAsync(proof, asked.Key))),
        AccountRoute.Open(Path + "/passkeys/sign-in", Default.PasskeySignInRequest, Default.NamedSignedInAnswer,
            async (proof, asked, ct) => Shown(await passkeys.SignInAsync(
                proof, asked.Key, asked.Label, asked.Question, asked.Credential.GetRawText(), ct))),
        AccountRoute.Open(Path + "/passkeys/begin-welcome", Default.PasskeyWelcomeQuestionRequest, Default.PasskeyQuestionAnswer,
            async (proof, asked, _) => Shown(await passkeys.BeginWelcomeAsync(proof, asked.Token, asked.Name, asked.Key))),
        AccountRoute.Open(Path + "/passkeys/welcome", Default.PasskeyWelcomeRequest, Default.TokensAnswer,
            async (proof, asked, ct) => Shown(await passkeys.WelcomeAsync(
                proof, asked.Token, new Credentials(asked.Name, "", asked.Key, asked.Label), asked.Question,
                asked.Credential.GetRawText(), ct))),
        AccountRoute.ForBrowser(Role.Viewer, Path + "/passkeys/begin-register", Default.NothingMore, Default.PasskeyQuestionAnswer,
            async (proof, person, _, _) => Shown(await passkeys.BeginRegisterAsync(proof, person))),
        AccountRoute.ForBrowser(Role.Viewer, Path + "/passkeys/register", Default.PasskeyRequest, Default.NothingMore,
            (proof, person, asked, ct) => DoneAsync(passkeys.RegisterAsync(
                proof, person, asked.Question, asked.Credential.GetRawText(), asked.Label, ct))),
        AccountRoute.For(Role.Viewer, Path + "/passkeys/rename", Default.PasskeyNameRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(passkeys.RenameAsync(person, asked.Id, asked.Name, ct))),
        AccountRoute.For(Role.Viewer, Path + "/passkeys/remove", Default.IdRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(passkeys.RemoveAsync(person, asked.Id, ct)), ends: true),
    ];

    private IEnumerable<AccountRoute> OfServices =>
    [
        AccountRoute.Open(Path + "/services/begin-sign-in", Default.ServiceSignInQuestionRequest, Default.ServiceQuestionAnswer,
            async (proof, asked, ct) => Shown(await services.BeginSignInAsync(proof, asked.Service, asked.Key, ct))),
        AccountRoute.Open(Path + "/services/begin-welcome", Default.ServiceWelcomeQuestionRequest, Default.ServiceQuestionAnswer,
            async (proof, asked, ct) => Shown(
                await services.BeginWelcomeAsync(proof, asked.Service, asked.Token, asked.Name, asked.Key, ct))),
        AccountRoute.Open(Path + "/services/sign-in", Default.ServiceSignInRequest, Default.NamedSignedInAnswer,
            async (proof, asked, ct) => Shown(await services.SignInAsync(
                proof, asked.Key, asked.Label, new ServiceAnswer(asked.Question, asked.Service, asked.Code, asked.Issuer), ct))),
        AccountRoute.ForBrowser(Role.Viewer, Path + "/services/begin-add", Default.ServiceRequest, Default.ServiceQuestionAnswer,
            async (proof, person, asked, ct) => Shown(await services.BeginAddAsync(proof, person, asked.Service, ct))),
        AccountRoute.ForBrowser(Role.Viewer, Path + "/services/add", Default.ServiceAddRequest, Default.NothingMore,
            (proof, person, asked, ct) => DoneAsync(services.AddAsync(
                proof, person, new ServiceAnswer(asked.Question, asked.Service, asked.Code, asked.Issuer), ct))),
        AccountRoute.For(Role.Viewer, Path + "/services/remove", Default.IdRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(services.RemoveAsync(person, asked.Id, ct)), ends: true),
    ];

    private IEnumerable<AccountRoute> OfPeople =>
    [
        AccountRoute.For(Role.Admin, Path + "/users", Default.NothingMore, Default.UsersAnswer,
            (person, _, _) => Task.FromResult(Users(person))),
        AccountRoute.For(Role.Admin, Path + "/users/invite", Default.InviteRequest, Default.InviteAnswer,
            async (person, asked, ct) => Shown(await people.InviteAsync(person, asked.Role, asked.Machines, ct))),
        AccountRoute.For(Role.Admin, Path + "/users/uninvite", Default.IdRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(people.UninviteAsync(person, asked.Id, ct))),
        AccountRoute.For(Role.Admin, Path + "/users/change", Default.ChangeRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(people.ChangeAsync(person, asked.Name, asked.Role, asked.Machines, ct)), ends: true),
        AccountRoute.For(Role.Admin, Path + "/users/sign-out", Default.NameRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(people.SignOutAsync(person, asked.Name, ct)), ends: true),
        AccountRoute.For(Role.Admin, Path + "/users/remove", Default.NameRequest, Default.NothingMore,
            (person, asked, ct) => DoneAsync(people.RemoveAsync(person, asked.Name, ct)), ends: true),
    ];

    private static TokensAnswer Shown(Tokens tokens) => new(tokens.Access, tokens.Refresh, Seconds(AccountLimits.AccessLife));

    private static NamedSignedInAnswer Shown((Tokens Tokens, string Name) entered)
        => new(entered.Tokens.Access, entered.Tokens.Refresh, Seconds(AccountLimits.AccessLife), entered.Name);

    private static PasskeyQuestionAnswer Shown(PasskeyQuestion question)
        => new(question.Id, JsonSerializer.Deserialize(question.Options, Default.JsonElement));

    private static ServiceQuestionAnswer Shown(ServiceQuestion question) => new(question.Id, question.Url);

    private static InviteAnswer Shown(NewInvitation invitation) => new(invitation.Token, invitation.EndsAt);

    private static int Seconds(TimeSpan life) => (int)life.TotalSeconds;

    private MeAnswer Me(Person person)
    {
        var (own, machines) = signIns.View(person);
        var (keys, hasPassword) = passkeys.View(person);
        return new MeAnswer(person.Name, person.Role, Roles.ScopesOf(person.Role), machines, own, hasPassword, keys, services.View(person));
    }

    private MachinesAnswer Machines(Person person)
    {
        var (_, allowed) = signIns.View(person);
        var now = linked.Now.ToDictionary(m => m.MachineId, m => m.Since, StringComparer.Ordinal);
        return new MachinesAnswer([.. Enrolled().Where(m => allowed?.Contains(m.MachineId, StringComparer.Ordinal) is not false)
            .Select(m => now.TryGetValue(m.MachineId, out var since)
                ? new MachineView(m.MachineId, m.Label, true, since, m.EnrolledAt, m.AddedBy)
                : new MachineView(m.MachineId, m.Label, false, null, m.EnrolledAt, m.AddedBy))]);
    }

    private TicketAnswer Ticket(Person person, string machine)
    {
        // Looked up in either case, so that both take as long.
        var exists = IsEnrolled(machine);
        return new TicketAnswer(signIns.GiveTicket(person, machine, exists), Seconds(AccountLimits.TicketLife));
    }

    private UsersAnswer Users(Person person)
    {
        var (users, invitations) = people.List(person);
        return new UsersAnswer(users, invitations);
    }

    /// <summary>Whether this gateway knows the machine.</summary>
    /// <exception cref="AccountRefusal">The list can't be used.</exception>
    public bool IsEnrolled(string machine) => Enrolled().Any(m => m.MachineId == machine);

    private IReadOnlyList<EnrolledMachine> Enrolled()
    {
        try
        {
            return enrolments.Machines;
        }
        catch (GatewayRefusal e)
        {
            throw new AccountRefusal(
                AccountError.Unavailable, "The gateway can't use its list of machines; its log says why.", inner: e);
        }
    }

    private static async Task<NothingMore> DoneAsync(Task work)
    {
        await work;
        return s_done;
    }
}
