using System.CommandLine;
using PocketCoder.Accounts;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder gateway owner-link|users</c>: the people of a gateway that has accounts.</summary>
internal static class GatewayPeopleCommands
{
    private static readonly Option<bool> s_accounts = new("--accounts")
    { Description = "Only people with an account meet machines; stays on from then on" };

    /// <summary>The option of <c>gateway run</c>.</summary>
    public static Option Accounts => s_accounts;

    public static Command OwnerLink(Terminal terminal)
        => new Command("owner-link", "Create a one-time link that makes its first user the owner").Does(terminal, async (context, _, ct) =>
        {
            var isFirst = !File.Exists(FileOf(context.Home));
            var link = await NewLinkAsync(context.Home, GatewayCommand.AddressOf(context.Home) ?? "https://YOUR-GATEWAY", ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, link, CliJson.Default.OwnerLinkShown);
                return ExitCode.Ok;
            }

            context.Say($"Open this within {AccountLimits.OwnerLinkLife.TotalHours:0} hours, once:");
            context.Say($"  {link.Link}");
            context.Say("Who opens it becomes the owner of the gateway, or gives the owner a new way to sign in. Do not share it.");
            if (isFirst)
            {
                context.Say("The gateway has accounts from its next start on.");
            }

            return ExitCode.Ok;
        });

    public static Command Users(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = "Name, as 'gateway users list' shows it" };
        return new Command("users", "Manage the people of a gateway with accounts")
        {
            new Command("list", "List the people who may sign in").Does(
                terminal, (context, _, _) => Task.FromResult(Show(context, UsersOf(context.Home)))),
            new Command("remove", "Remove a person; their connections end") { name }.Does(
                terminal, async (context, parsed, ct) => await RemoveAsync(context, parsed.GetRequiredValue(name), ct)),
        };
    }

    /// <summary>
    /// Where the people are; null: this gateway has no accounts. Once it had them, it has: forgetting the option opens nothing.
    /// </summary>
    public static string? FileFor(ParseResult parsed, Home home)
        => parsed.GetValue(s_accounts) || File.Exists(FileOf(home)) ? FileOf(home) : null;

    /// <summary>The first owner's link, for as long as there is nobody; else null.</summary>
    public static async Task<OwnerLinkShown?> FirstLinkAsync(Home home, string address, CancellationToken ct)
        => UsersOf(home).Count > 0 ? null : await NewLinkAsync(home, address, ct);

    /// <summary>Where the people of a gateway are.</summary>
    public static string FileOf(Home home) => Path.Combine(home.Gateway, "accounts.json");

    /// <summary>The token stands after the #: browsers don't send that part, so no log has it.</summary>
    private static async Task<OwnerLinkShown> NewLinkAsync(Home home, string address, CancellationToken ct)
    {
        home.PrepareGateway();
        var token = await TellingAsync(() => Administration(home).NewOwnerLinkAsync(ct));
        return new OwnerLinkShown($"{address}/welcome#{token}", AccountLimits.OwnerLinkLife.TotalHours);
    }

    private static AccountAdministration Administration(Home home)
        => new(new AccountStore(FileOf(home), TimeProvider.System), TimeProvider.System);

    /// <summary>Looking makes nothing.</summary>
    private static IReadOnlyList<UserView> UsersOf(Home home)
    {
        try
        {
            return Administration(home).Users;
        }
        catch (AccountRefusal e)
        {
            throw Told(e);
        }
    }

    /// <summary>Does it, and tells a refusal as the CLI does.</summary>
    public static async Task<T> TellingAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (AccountRefusal e)
        {
            throw Told(e);
        }
    }

    public static CommandFailure Told(AccountRefusal e) => new(e.InnerException?.Message ?? e.Message, code: OwnCodes.Refused);

    private static int Show(CommandContext context, IReadOnlyList<UserView> users)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, [.. users.Select(Shown)], CliJson.Default.IReadOnlyListGatewayUserShown);
        }
        else if (users.Count == 0)
        {
            context.Say("Nobody. To become the owner: pocketcoder gateway owner-link");
        }
        else
        {
            var table = PlainTable.Of("Name", "Role", "Machines", "Signed in", "Since");
            foreach (var user in users)
            {
                table.Row(user.Name, Roles.NameOf(user.Role),
                    user.Machines is { } some && !Roles.MeetsAll(user.Role) ? string.Join(' ', some) : "all",
                    user.SignIns == 1 ? "1 browser" : $"{user.SignIns} browsers", $"{user.CreatedAt.ToLocalTime():yyyy-MM-dd HH:mm}");
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }

    private static async Task<int> RemoveAsync(CommandContext context, string name, CancellationToken ct)
    {
        var removed = UsersOf(context.Home).Count == 0 ? null
            : await TellingAsync(() => Administration(context.Home).RemoveAsync(name, ct));
        if (removed is null)
        {
            throw new CommandFailure($"Nobody is called {name}. List them: pocketcoder gateway users list", code: OwnCodes.NotFound);
        }

        if (context.Json)
        {
            CliJson.Write(context.Terminal, [Shown(removed)], CliJson.Default.IReadOnlyListGatewayUserShown);
        }
        else
        {
            context.Say($"Removed {removed.Name}. A running gateway ends their connections within a second.");
            if (removed.Role == Role.Owner)
            {
                context.Say("There is no owner now. To make one: pocketcoder gateway owner-link");
            }
        }

        return ExitCode.Ok;
    }

    private static GatewayUserShown Shown(UserView user) => new(
        user.Name, Roles.NameOf(user.Role), Roles.MeetsAll(user.Role) ? null : user.Machines, user.SignIns, user.CreatedAt);
}
