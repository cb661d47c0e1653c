using System.CommandLine;
using System.Text;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder secrets set|list|remove</c>. A value is read from a terminal without showing it, or from standard input; never from an
/// argument, which every process could see.
/// </summary>
internal static class SecretCommands
{
    private const int MaxCharacters = 64 * 1024;

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("name")
        { Description = "anthropic, openai or google for a provider's key; any other name for your own secrets" };
        return new Command("secrets", "Manage keys that agents never see, encrypted on this machine")
        {
            new Command("set", "Set or replace a secret, read from standard input or a prompt") { name }.Does(
                terminal, (context, parsed, ct) => SetAsync(context, parsed.GetRequiredValue(name), ct)),
            new Command("list", "List names; values are never shown again").Does(
                terminal, async (context, _, ct) => List(context, await context.Daemon.ListSecretsAsync(ct))),
            new Command("remove", "Delete a secret") { name }.Does(
                terminal, async (context, parsed, ct) => Removed(
                    context, parsed.GetRequiredValue(name), await context.Daemon.RemoveSecretAsync(parsed.GetRequiredValue(name), ct))),
        };
    }

    private static async Task<int> SetAsync(CommandContext context, string name, CancellationToken ct)
    {
        var value = await ValueAsync(context, $"Value of {Untrusted.Show(name)} (hidden): ", ct);
        if (value.Length == 0)
        {
            throw new CommandFailure("No value given. Enter one, or pipe it: pocketcoder secrets set NAME < file", ExitCode.Usage);
        }

        await context.Daemon.SetSecretAsync(name, value, ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new SecretShown(name, "set"), CliJson.Default.SecretShown);
        }
        else
        {
            context.Say($"Set {Untrusted.Show(name)}. Agents already using it get the new value with their next request, others when they start next.");
        }

        return ExitCode.Ok;
    }

    /// <summary>Asked for at a terminal without showing it, else all of standard input.</summary>
    public static async Task<string> ValueAsync(CommandContext context, string question, CancellationToken ct)
        => context.Terminal.ReadHidden is { } read ? read(question) : await ReadAsync(context.Terminal.In, ct);

    /// <summary>Likewise for several short ones: asked for one after the other, else a line of standard input for each. Trimmed.</summary>
    /// <exception cref="CommandFailure">Usage: one is missing, or there are more.</exception>
    public static async Task<IReadOnlyList<string>> ValuesAsync(
        CommandContext context, IReadOnlyList<string> questions, CancellationToken ct)
    {
        var given = context.Terminal.ReadHidden is { } read
            ? [.. questions.Select(read)] : (await ReadAsync(context.Terminal.In, ct)).Split('\n');
        IReadOnlyList<string> values = [.. given.Select(v => v.Trim())];
        return values.Count == questions.Count && values.All(v => v.Length > 0) ? values
            : throw new CommandFailure(
                questions.Count == 1 ? "Nothing was given. Enter it, or pipe it as one line."
                    : $"{questions.Count} values are needed. Enter each, or pipe each as a line of its own.", ExitCode.Usage);
    }

    /// <summary>All of it, without the line end that <c>echo</c> puts there.</summary>
    private static async Task<string> ReadAsync(TextReader input, CancellationToken ct)
    {
        var text = new StringBuilder();
        var buffer = new char[4096];
        while (await input.ReadAsync(buffer, ct) is var read and > 0)
        {
            text.Append(buffer, 0, read);
            if (text.Length > MaxCharacters)
            {
                throw new CommandFailure($"A secret has at most {MaxCharacters} bytes.", ExitCode.Usage);
            }
        }

        var value = text.ToString();
        return value.EndsWith("\r\n", StringComparison.Ordinal) ? value[..^2] : value.EndsWith('\n') ? value[..^1] : value;
    }

    private static int List(CommandContext context, IReadOnlyList<SecretName> secrets)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, secrets, CliJson.Default.IReadOnlyListSecretName);
        }
        else if (secrets.Count == 0)
        {
            context.Say("No secrets. Set a provider's key: pocketcoder secrets set anthropic");
        }
        else
        {
            var table = PlainTable.Of("Name", "Set");
            foreach (var secret in secrets)
            {
                table.Row(secret.Name, $"{secret.SetAt.ToLocalTime():yyyy-MM-dd HH:mm}");
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }

    private static int Removed(CommandContext context, string name, bool was)
    {
        if (!was)
        {
            throw new CommandFailure($"No secret {name}. See: pocketcoder secrets list", code: OwnCodes.NotFound);
        }

        if (context.Json)
        {
            CliJson.Write(context.Terminal, new SecretShown(name, "removed"), CliJson.Default.SecretShown);
        }
        else
        {
            context.Say($"Removed {Untrusted.Show(name)}.");
        }

        return ExitCode.Ok;
    }
}
