using System.CommandLine;
using System.Globalization;
using PocketCoder.Agents;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Models;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder provider set|list|remove|test</c>: servers of models that the owner names.</summary>
internal static class ProviderCommands
{
    private static readonly Dictionary<string, ProviderDialect> s_dialects = new(StringComparer.Ordinal)
    {
        ["openai-chat"] = ProviderDialect.OpenaiChat,
        ["openai-responses"] = ProviderDialect.OpenaiResponses,
        ["anthropic"] = ProviderDialect.Anthropic,
        ["gemini"] = ProviderDialect.Gemini,
    };

    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = "Your word for the provider: a-z, 0-9 and -" };
        var dialect = new Option<string?>("--dialect") { Description = $"What it speaks: {string.Join(", ", s_dialects.Keys)}", HelpName = "DIALECT" }
            .Among([.. s_dialects.Keys]);
        var url = new Option<string?>("--url")
        { Description = "Its base URL, such as http://127.0.0.1:11434/v1; https, or http on a private network", HelpName = "URL" };
        var models = ModelOption.Create();
        var key = new Option<bool>("--key") { Description = "Read a key from standard input or a prompt, and store it" };
        var noKey = new Option<bool>("--no-key") { Description = "Remove the stored key; requests go without one" };
        var set = new Command("set", "Set or replace a provider of your own") { name, dialect, url, models, key, noKey };
        set.Validators.Add(result =>
        {
            // As typed: an option without its value is told by the parser, and has none to ask for.
            string? Typed(Option<string?> option) => result.GetResult(option) is { Tokens: [var token] } ? token.Value : null;
            IReadOnlyList<string> specs = [.. (result.GetResult(models)?.Tokens ?? []).Select(t => t.Value)];
            if (result.GetResult(dialect) is null || result.GetResult(url) is null || result.GetResult(models) is null)
            {
                result.AddError("Give --dialect, --url and at least one --model.");
            }
            else if (result.GetValue(key) && result.GetValue(noKey))
            {
                result.AddError("Give --key or --no-key, not both.");
            }
            else if (Typed(dialect) is { } word && s_dialects.TryGetValue(word, out var speaks) && Typed(url) is { } address
                && ProviderAddress.Problem(address, speaks) is { } wrong)
            {
                result.AddError($"--url: {wrong}");
            }
            else if (specs.Select(s => ModelOption.TryParse(s, out _, out var problem) ? null : problem).FirstOrDefault(p => p is not null)
                is { } told)
            {
                result.AddError(told);
            }
        });
        return new Command("provider", "Manage model providers of your own: any compatible server")
        {
            set.Does(terminal, async (context, parsed, ct) =>
            {
                var wanted = parsed.GetRequiredValue(name);
                var given = parsed.GetValue(key)
                    ? (await SecretCommands.ValuesAsync(context, [$"Key of {Untrusted.Show(wanted)} (hidden): "], ct))[0] : null;
                return Shown(
                    context,
                    "Set",
                    await context.Daemon.SetProviderAsync(
                        new ProviderSetRequest(
                            wanted, s_dialects[parsed.GetRequiredValue(dialect)!], parsed.GetRequiredValue(url)!,
                            [.. parsed.GetRequiredValue(models).Select(Parsed)], given, parsed.GetValue(noKey)),
                        ct));
            }),
            new Command("list", "List your providers and their models; keys are never shown again").Does(
                terminal, async (context, _, ct) => List(context, await context.Daemon.ListProvidersAsync(ct))),
            new Command("remove", "Remove a provider and its key") { name }.Does(terminal, async (context, parsed, ct) => Shown(
                context, "Removed", await context.Daemon.RemoveProviderAsync(parsed.GetRequiredValue(name), ct))),
            new Command("test", "Ask a provider for its models now; costs nothing") { name }.Does(terminal, async (context, parsed, ct) =>
                Told(context, parsed.GetRequiredValue(name), await context.Daemon.TestProviderAsync(parsed.GetRequiredValue(name), ct))),
        };
    }

    private static OwnModel Parsed(string text)
        => ModelOption.TryParse(text, out var model, out var problem) ? model : throw new CommandFailure(problem, ExitCode.Usage);

    private static int Shown(CommandContext context, string done, ProviderShown provider)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, provider, CliJson.Default.ProviderShown);
            return ExitCode.Ok;
        }

        var name = Untrusted.Show(provider.Name);
        context.Say(done == "Set"
            ? $"Set {name}: {Word(provider.Dialect)} at {Untrusted.Show(provider.Url)}, {(provider.HasKey ? "with a key" : "without a key")}. Try it: pocketcoder provider test {name}"
            : $"{done} {name}.");
        return ExitCode.Ok;
    }

    private static int List(CommandContext context, IReadOnlyList<ProviderShown> providers)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, providers, CliJson.Default.IReadOnlyListProviderShown);
        }
        else if (providers.Count == 0)
        {
            context.Say("No providers of your own. Set one: pocketcoder provider set NAME --dialect openai-chat --url URL --model ID");
        }
        else
        {
            var table = PlainTable.Of("Model", "Context", "Price (in / out)", "Dialect", "Where", "Key");
            foreach (var (provider, model) in providers.SelectMany(p => p.Models.Select(m => (p, m))))
            {
                table.Row(
                    $"{provider.Name}/{model.Id}",
                    model.ContextTokens?.ToString(CultureInfo.InvariantCulture) ?? "?",
                    model.Price is { } price ? string.Create(CultureInfo.InvariantCulture, $"${price.Input} / ${price.Output}") : "?",
                    Word(provider.Dialect), provider.Url, provider.HasKey ? "stored" : "none");
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }

    private static int Told(CommandContext context, string name, ProviderTestResponse answer)
    {
        var works = answer is { Verdict: ProviderKeyVerdict.Works, Models: not null, Missing.Count: 0 };
        if (context.Json)
        {
            CliJson.Write(context.Terminal, answer, CliJson.Default.ProviderTestResponse);
            return works ? ExitCode.Ok : ExitCode.Failure;
        }

        var status = answer.Status?.ToString(CultureInfo.InvariantCulture);
        return answer switch
        {
            { Verdict: ProviderKeyVerdict.Unreachable } => throw new CommandFailure($"{name} can't be reached, or did not answer within 10 seconds."),
            { Verdict: ProviderKeyVerdict.Refused } => throw new CommandFailure(
                $"{name} answered{(status is null ? "" : $" {status}:")} it does not take the key, or wants one. Replace it: pocketcoder secrets set provider.{name}"),
            { Verdict: ProviderKeyVerdict.Unclear } or { Models: null } => throw new CommandFailure(
                $"{name} answered {status} and no list of models. Either its address is another one, or it has no such list: then only a prompt tells."),
            { Missing.Count: > 0 } => throw new CommandFailure(
                $"{name} answers, but does not list: {string.Join(", ", answer.Missing)}. It lists {answer.Models} models{(answer.Others.Count == 0 ? "" : $", such as {string.Join(", ", answer.Others.Take(5).Select(Untrusted.Show))}")}."),
            _ => Say(),
        };

        int Say()
        {
            context.Say($"{Untrusted.Show(name)} answers and lists every model that is set.");
            return ExitCode.Ok;
        }
    }

    private static string Word(ProviderDialect dialect) => s_dialects.First(d => d.Value == dialect).Key;
}
