using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Git.Transfers;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder git-token set|list|remove</c>: for remotes by HTTPS. They are secrets of the machine (<see cref="SecretCommands"/>) that
/// are named by their host.
/// </summary>
internal static class GitTokenCommands
{
    public static Command Create(Terminal terminal)
    {
        var host = new Argument<string>("host") { Description = "As in the remote's URL: HOST or HOST:PORT" };
        return new Command("git-token", "Manage tokens for git hosts over HTTPS; neither agents nor git itself see them")
        {
            new Command("set", "Set or replace a host's token, read from standard input or a prompt") { host }.Does(
                terminal, (context, parsed, ct) => SetAsync(context, parsed.GetRequiredValue(host), ct)),
            new Command("list", "List hosts; tokens are never shown again").Does(
                terminal, async (context, _, ct) => List(context, await context.Daemon.ListSecretsAsync(ct))),
            new Command("remove", "Delete a host's token")
                { host }.Does(terminal, (context, parsed, ct) => RemoveAsync(context, parsed.GetRequiredValue(host), ct)),
        };
    }

    private static async Task<int> SetAsync(CommandContext context, string host, CancellationToken ct)
    {
        var name = NameOf(host);
        var value = (await SecretCommands.ValueAsync(context, $"Token for {Untrusted.Show(host)} (hidden): ", ct)).Trim();
        if (value.Length == 0 || value.Any(c => c is <= ' ' or > '~'))
        {
            throw new CommandFailure(
                "A token is one word of printable characters. Enter it, or pipe it: pocketcoder git-token set HOST < file", ExitCode.Usage);
        }

        await context.Daemon.SetSecretAsync(name, value, ct);
        return Tell(context, host, "set",
            $"Set the token for {Untrusted.Show(host)}. It is sent only to that host, for a push, fetch or pull that was allowed.");
    }

    private static int List(CommandContext context, IReadOnlyList<SecretName> secrets)
    {
        var tokens = secrets.Where(s => GitTokens.PlaceOf(s.Name) is not null).Select(s => s with { Name = GitTokens.PlaceOf(s.Name)! })
            .ToList();
        if (context.Json)
        {
            CliJson.Write(context.Terminal, tokens, CliJson.Default.IReadOnlyListSecretName);
        }
        else if (tokens.Count == 0)
        {
            context.Say("No tokens. Set one: pocketcoder git-token set github.com");
        }
        else
        {
            var table = PlainTable.Of("Host", "Set");
            foreach (var token in tokens)
            {
                table.Row(token.Name, $"{token.SetAt.ToLocalTime():yyyy-MM-dd HH:mm}");
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }

    private static async Task<int> RemoveAsync(CommandContext context, string host, CancellationToken ct)
        => await context.Daemon.RemoveSecretAsync(NameOf(host), ct)
            ? Tell(context, host, "removed", $"Removed the token for {Untrusted.Show(host)}.")
            : throw new CommandFailure($"No token for {Untrusted.Show(host)}. See: pocketcoder git-token list", code: OwnCodes.NotFound);

    private static string NameOf(string host)
        => GitTokens.NameOf(host) ?? throw new CommandFailure(
            $"{Untrusted.Show(host)} is not a valid host for a token. Use a host name (not an IP address, at most 54 characters), optionally with a port.",
            ExitCode.Usage);

    private static int Tell(CommandContext context, string host, string state, string words)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new SecretShown(host, state), CliJson.Default.SecretShown);
        }
        else
        {
            context.Say(words);
        }

        return ExitCode.Ok;
    }
}
