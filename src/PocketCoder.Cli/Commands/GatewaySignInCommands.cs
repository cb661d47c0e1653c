using System.CommandLine;
using PocketCoder.Accounts;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder gateway sign-in list|set|remove</c>: other services by which people may sign in at a gateway with accounts.
/// </summary>
internal static class GatewaySignInCommands
{
    public static Command Create(Terminal terminal) => new("sign-in", "Manage the services by which people may sign in to a gateway")
    {
        new Command("list", "List the services; their secrets are never shown again").Does(
            terminal, (context, _, _) => Task.FromResult(Show(context, Telling(() => FileOf(context.Home).Services)))),
        Set(terminal),
        Remove(terminal),
    };

    private static Command Set(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = "Name of the service: a-z, 0-9 and -" };
        var issuer = new Option<string?>("--issuer") { Description = "OpenID Connect: the issuer, exactly as the service writes it" };
        var github = new Option<bool>("--github") { Description = "GitHub, or with --pages and --api GitHub Enterprise Server" };
        var pages = new Option<string?>("--pages")
        { Description = "With --github: base address of the pages (default https://github.com)" };
        var api = new Option<string?>("--api") { Description = "With --github: base address of the API (default https://api.github.com)" };
        var client = new Option<string>("--client-id") { Description = "Client id that the service gave", Required = true };
        var scopes = new Option<string[]>("--scope")
        { Description = "Scope to ask for; repeatable (OpenID Connect: usually openid profile)" };
        var label = new Option<string?>("--label") { Description = "What the button says (usually the name)" };
        var isPublic = new Option<bool>("--public") { Description = "A public client: it has no secret" };
        var command = new Command("set", "Set or replace a service; its client secret is read from standard input or a prompt")
        { name, issuer, github, pages, api, client, scopes, label, isPublic };
        command.Validators.Add(result =>
        {
            // As typed: one without its argument is told by the parser, and has no value to ask for.
            string? Typed(Option<string?> option) => result.GetResult(option) is { Tokens: [var token] } ? token.Value : null;
            var (isGitHub, its, own, programs) = (result.GetValue(github), Typed(issuer), Typed(pages), Typed(api));
            var isWhole = isGitHub ? its is null && (own is null) == (programs is null)
                : its is not null && own is null && programs is null;
            if (!isWhole)
            {
                result.AddError("Give --issuer URL, or --github, with both --pages URL and --api URL if it is a server of its own.");
            }
            else if (((string?[])[its, own, programs]).Any(a => a is not null && !SignInService.IsAllowed(a)))
            {
                result.AddError("An address of a service begins with https:// (http:// only on this computer), without a name and a password.");
            }
        });
        return command.Does(terminal, async (context, parsed, ct) =>
        {
            var (isGitHub, called) = (parsed.GetValue(github), parsed.GetRequiredValue(name));
            var service = new SignInService(
                called, isGitHub ? ServiceKind.GitHub : ServiceKind.OpenId, parsed.GetValue(label) ?? called,
                parsed.GetRequiredValue(client), null,
                isGitHub ? parsed.GetValue(pages) ?? SignInService.GitHubPages : parsed.GetRequiredValue(issuer)!,
                parsed.GetValue(scopes) is { Length: > 0 } given ? [.. given] : isGitHub ? [] : ["openid", "profile"],
                isGitHub ? parsed.GetValue(api) ?? SignInService.GitHubApi : null);
            if (service.Problem() is { } problem)
            {
                throw new CommandFailure(problem, ExitCode.Usage); // before anybody types a secret
            }

            if (!parsed.GetValue(isPublic))
            {
                var values = await SecretCommands.ValuesAsync(context, ["Client secret (hidden): "], ct);
                service = service with { ClientSecret = values[0] };
            }

            context.Home.PrepareGateway();
            await TellingAsync(() => FileOf(context.Home).SetAsync(service, ct));
            if (context.Json)
            {
                CliJson.Write(context.Terminal, [Shown(context.Home, service)], CliJson.Default.IReadOnlyListSignInServiceShown);
                return ExitCode.Ok;
            }

            context.Say($"Set {service.Name}. Register this address with the service, as the one that it returns to:");
            context.Say($"  {Shown(context.Home, service).ReturnAddress}");
            context.Say("A running gateway offers it from now on. People add it under Account, or use it with an invitation.");
            return ExitCode.Ok;
        });
    }

    private static Command Remove(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = "Name, as 'gateway sign-in list' shows it" };
        return new Command("remove", "Remove a service; nobody signs in by it any more") { name }.Does(
            terminal, async (context, parsed, ct) =>
        {
            var called = parsed.GetRequiredValue(name);
            var removed = Telling(() => FileOf(context.Home).Services).FirstOrDefault(s => s.Name == called)
                ?? throw new CommandFailure(
                    $"There is no service {Untrusted.Show(called)}. List them: pocketcoder gateway sign-in list", code: OwnCodes.NotFound);
            await TellingAsync(() => FileOf(context.Home).RemoveAsync(called, ct));
            if (context.Json)
            {
                CliJson.Write(context.Terminal, [Shown(context.Home, removed)], CliJson.Default.IReadOnlyListSignInServiceShown);
            }
            else
            {
                context.Say($"Removed {removed.Name}. Whoever signed in by it stays signed in, but can't do so again by it.");
            }

            return ExitCode.Ok;
        });
    }

    private static SignInServiceFile FileOf(Home home) => SignInServiceFile.Beside(GatewayPeopleCommands.FileOf(home));

    private static int Show(CommandContext context, IReadOnlyList<SignInService> services)
    {
        if (context.Json)
        {
            CliJson.Write(
                context.Terminal, [.. services.Select(s => Shown(context.Home, s))], CliJson.Default.IReadOnlyListSignInServiceShown);
        }
        else if (services.Count == 0)
        {
            context.Say("None. To set one: pocketcoder gateway sign-in set NAME --issuer URL --client-id ID");
        }
        else
        {
            var table = PlainTable.Of("Name", "Label", "Service", "Client", "Secret", "Returns to");
            foreach (var service in services)
            {
                var shown = Shown(context.Home, service);
                table.Row(
                    shown.Name, shown.Label, $"{shown.Kind} {shown.Issuer}", shown.ClientId, shown.HasSecret ? "set" : "none",
                    shown.ReturnAddress);
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }

    private static SignInServiceShown Shown(Home home, SignInService service) => new(
        service.Name, service.Kind == ServiceKind.GitHub ? "github" : "oidc", service.Label, service.ClientId,
        service.ClientSecret is not null, service.Issuer, service.Api, service.Scopes,
        SignInService.ReturnAddress(GatewayCommand.AddressOf(home) ?? "https://YOUR-GATEWAY", service.Name));

    private static T Telling<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (AccountRefusal e)
        {
            throw GatewayPeopleCommands.Told(e);
        }
    }

    private static Task<bool> TellingAsync(Func<Task> work) => GatewayPeopleCommands.TellingAsync(async () =>
    {
        await work();
        return true;
    });
}
