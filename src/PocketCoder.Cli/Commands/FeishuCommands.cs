using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder feishu config|status|pair|unpair|test</c>: the bot by which people in Feishu or Lark reach this machine.
/// </summary>
internal static class FeishuCommands
{
    private const string Platform = EntrySetting.Platform;
    private const string Off = "off";
    private const string WebhookKey = "feishu-webhook-key";

    private static readonly Scope[] s_usualScopes = [Scope.View, Scope.Prompt, Scope.Decide];

    public static Command Create(Terminal terminal)
        => new Command("feishu", "Manage the Feishu (Lark) bot and the people who may use it")
        {
            Config(terminal),
            new Command("status", "Show how the bot stands and who is paired").Does(
                terminal, async (context, _, ct) => Status(
                    context, await context.Daemon.EntryAsync(Platform, ct), await context.Daemon.ListPeopleAsync(Platform, ct))),
            Pair(terminal),
            Unpair(terminal),
            new Command("test", "Ask the platform whether it takes the app and its secret").Does(terminal, async (context, _, ct) =>
            {
                await RequireOnAsync(context, ct);
                var found = await context.Daemon.TestEntryAsync(Platform, ct);
                if (context.Json)
                {
                    CliJson.Write(context.Terminal, found, CliJson.Default.IReadOnlyListString);
                }
                else
                {
                    found.ToList().ForEach(line => context.Say(Untrusted.Show(line)));
                }

                return ExitCode.Ok;
            }),
        };

    private static Command Config(Terminal terminal)
    {
        var app = new Option<string>("--app-id") { Description = "Id of the custom app; reads its secret from standard input or a prompt" };
        var domain = new Option<string>("--domain")
        {
            Description = $"Where the app is: {FeishuEntry.UsualDomain} (usual), or https://open.larksuite.com for Lark; reads the secret too",
        };
        var language = new Option<string?>("--language") { Description = "Language of the bot: en or zh (usually en)" }
            .Among([.. EntrySetting.Languages]);
        var on = new Option<bool>("--on") { Description = "Switch the bot on, as setting it up does" };
        var off = new Option<bool>("--off") { Description = "Switch the bot off; what is set stays" };
        var webhook = new Option<string?>("--webhook")
        {
            Description = "Address and port for the platform's requests in the place of the long connection, like 127.0.0.1:17340, or: off",
        };
        var local = new Option<string?>("--local-http")
        {
            Description = "Port of this computer at which programs on it may ask with a token, like 17341, or: off; makes a new token",
        };
        var scopes = PairCommand.Scopes("Scope of that token: view, prompt, decide or manage; repeatable (usually view prompt decide)");
        var from = new Option<string?>("--from")
        {
            Description = $"Take over what PoCo was set up with: its file, and its variables before that; {OlderBot.NoFile}: the variables alone",
            HelpName = "FILE",
        };
        var config = new Command("config", "Show what is set for the bot, or set it up")
            { app, domain, language, webhook, local, scopes, from, on, off };
        config.Validators.Add(result =>
        {
            if (result.GetValue(on) && result.GetValue(off))
            {
                result.AddError("Give --on or --off, not both.");
            }

            // By what was typed: an option whose value is missing has none to get.
            if (result.GetResult(scopes) is { Tokens.Count: > 0 } && result.GetResult(local) is null or { Tokens: [{ Value: Off }] })
            {
                result.AddError("Give --scope with --local-http PORT: it says what the token may do.");
            }
        });
        return config.Does(terminal, async (context, parsed, ct) =>
        {
            var report = await context.Daemon.EntryAsync(Platform, ct);
            var (id, place, words) = (parsed.GetValue(app), parsed.GetValue(domain), parsed.GetValue(language));
            var (door, wantsOn, wantsOff) = (parsed.GetValue(webhook), parsed.GetValue(on), parsed.GetValue(off));
            var port = parsed.GetValue(local);
            var older = parsed.GetValue(from) is { } file ? OlderBot.Read(file, terminal.Environment) : null;
            (id, place) = (id ?? older?.AppId, place ?? older?.Domain);
            door = door is null && older?.IsWebhook is { } isWebhook ? DoorOf(isWebhook, report.Set?.Webhook) : door;
            if (id is null && place is null && words is null && door is null && port is null && !wantsOn && !wantsOff)
            {
                Tell(context, older);
                return Shown(context, report, changed: false);
            }

            if (report.Set is null && id is null)
            {
                throw new CommandFailure(
                    "The bot is not set up. Set it up: pocketcoder feishu config --app-id ID (docs/feishu.md says where to find it)",
                    ExitCode.NotSetUp);
            }

            var before = report.Set ?? new EntrySetting(id!, FeishuEntry.UsualDomain, "en", true);
            var isOn = wantsOn || (!wantsOff && (id is not null || before.Enabled));
            var setting = new EntrySetting(
                id ?? before.AppId, place ?? before.Domain, words ?? before.Language, isOn,
                door is null ? before.Webhook : door == Off ? null : door,
                port is null ? before.LocalHttp : port == Off ? null : AddressOf(port));
            if (setting.Problem() is { } problem)
            {
                throw new CommandFailure(problem, ExitCode.Usage); // before the secret is asked for
            }

            var known = id is not null && id == older?.AppId ? older.Secret : null; // another app's is not this one's
            var secret = id is null && place is null ? null : known ?? await SecretAsync(context, ct);
            var granted = port is null or Off ? null : parsed.GetValue(scopes) is { Length: > 0 } given ? given : s_usualScopes;
            report = await context.Daemon.SetEntryAsync(new EntrySetRequest(Platform, setting, secret, granted), ct);
            if (older is { EncryptKey: { } key } && setting.Webhook is not null)
            {
                await context.Daemon.SetSecretAsync(WebhookKey, key, ct); // after the app that it belongs to
            }

            Tell(context, older);
            return Shown(context, report, changed: true);
        });
    }

    /// <summary>The older bot had no address of its own for the platform's requests.</summary>
    private static string DoorOf(bool isWebhook, string? known)
        => !isWebhook ? Off : known ?? throw new CommandFailure(
            "PoCo took the platform's requests. Say where they arrive here: --webhook ADDRESS:PORT, or --webhook off", ExitCode.Usage);

    /// <summary>A port alone is one of 127.0.0.1.</summary>
    private static string AddressOf(string port) => port.Length > 0 && port.All(char.IsAsciiDigit) ? $"127.0.0.1:{port}" : port;

    private static void Tell(CommandContext context, OlderBot? older)
    {
        if (older is null || context.Json)
        {
            return;
        }

        context.Say($"Taken over: {(older.Used.Count > 0 ? string.Join(", ", older.Used) : "nothing")}. PoCo's file keeps what it has: remove it when PoCo is gone.");
        older.LeftOut.ToList().ForEach(line => context.Say($"Left out    {line}"));
    }

    private static async Task<string> SecretAsync(CommandContext context, CancellationToken ct)
    {
        var secret = (await SecretCommands.ValueAsync(context, "App secret (hidden): ", ct)).Trim();
        return secret.Length > 0 ? secret : throw new CommandFailure(
            "No secret given. Enter it, or pipe it: pocketcoder feishu config --app-id ID < file", ExitCode.Usage);
    }

    private static Command Pair(Terminal terminal)
    {
        var name = new Option<string?>("--name") { Description = "What the person is to be known by (usually as the platform calls them)" };
        var scopes = PairCommand.Scopes("Scope of the person: view, prompt, decide or manage; repeatable (usually view prompt decide)");
        var destructive = new Option<bool>("--destructive") { Description = "They may allow there what can destroy something" };
        return new Command("pair", "Make a one-time code with which a person may use the bot") { name, scopes, destructive }.Does(
            terminal, async (context, parsed, ct) =>
        {
            var bot = await RequireOnAsync(context, ct);
            var offer = await context.Daemon.OfferChatAsync(
                new ChatPairingOfferRequest(
                    Platform, parsed.GetValue(scopes) is { Length: > 0 } given ? given : null, parsed.GetValue(name),
                    parsed.GetValue(destructive)),
                ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, offer, CliJson.Default.ChatPairingOfferResponse);
                return ExitCode.Ok;
            }

            context.Say("The person writes this to the bot, in a direct chat:");
            context.Say($"  pair {offer.Code}");
            context.Say(
                $"It counts once, before {offer.ExpiresAt.ToLocalTime():HH:mm:ss}, for whoever writes it first. They may {Words(offer.Scopes)}{(parsed.GetValue(destructive) ? ", and allow what can destroy something" : "")}.");
            context.Say(bot.State == EntryPhase.Ready ? "Who is paired: pocketcoder feishu status"
                : $"The bot is not connected now ({Phase(bot)}), and reads nothing until it is: pocketcoder feishu status");
            return ExitCode.Ok;
        });
    }

    private static Command Unpair(Terminal terminal)
    {
        var person = new Argument<string>("person") { Description = "Name or id (or a prefix) of a person; see: pocketcoder feishu status" };
        return new Command("unpair", "Revoke a person permanently; whatever they have open ends at once") { person }.Does(
            terminal, async (context, parsed, ct) =>
        {
            var gone = await context.Daemon.RevokePersonAsync(Platform, parsed.GetRequiredValue(person), ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, [gone], CliJson.Default.IReadOnlyListDeviceInfo);
            }
            else
            {
                context.Say($"Revoked {Untrusted.Show(gone.Name)} ({gone.DeviceId}).");
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>What only a daemon with the bot answers, is refused with the way there.</summary>
    private static async Task<EntryReport> RequireOnAsync(CommandContext context, CancellationToken ct)
    {
        var report = await context.Daemon.EntryAsync(Platform, ct);
        if (report.State == EntryPhase.Off)
        {
            throw new CommandFailure(
                report.Set is null ? "The bot is not set up. Set it up: pocketcoder feishu config --app-id ID"
                    : report.Set.Enabled ? "The bot is set up, and this daemon started before that. Start it anew: pocketcoder restart"
                    : "The bot is off. Switch it on: pocketcoder feishu config --on, and then: pocketcoder restart",
                ExitCode.NotSetUp);
        }

        return report;
    }

    private static int Shown(CommandContext context, EntryReport report, bool changed)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, report, CliJson.Default.EntryReport);
            return ExitCode.Ok;
        }

        foreach (var line in Lines(report))
        {
            context.Say(line);
        }

        if (report.LocalToken is { } token)
        {
            context.Say("Token of the local port, shown this once; whoever has it may do there what it is worth:");
            context.Say($"  {token}");
        }

        if (changed && !report.Restart)
        {
            context.Say("That is what this daemon runs with already.");
        }

        return ExitCode.Ok;
    }

    private static int Status(CommandContext context, EntryReport report, IReadOnlyList<DeviceInfo> people)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new FeishuShown(report, people), CliJson.Default.FeishuShown);
            return ExitCode.Ok;
        }

        var since = report.Since is { } at ? $" since {at.ToLocalTime():yyyy-MM-dd HH:mm}" : "";
        context.Say($"Bot       {Phase(report)}{since}");
        if (report.Reason is { } reason)
        {
            context.Say($"          {Untrusted.Show(reason)}");
        }

        foreach (var line in Lines(report))
        {
            context.Say(line);
        }

        if (people.Count == 0)
        {
            context.Say("Nobody is paired. Let somebody in: pocketcoder feishu pair");
            return ExitCode.Ok;
        }

        var table = PlainTable.Of("Name", "May", "Paired", "Last seen", "Id");
        foreach (var person in people)
        {
            table.Row(
                person.Name, Words(person.Scopes), $"{person.PairedAt.ToLocalTime():yyyy-MM-dd HH:mm}",
                person.LastSeenAt is { } seen ? $"{seen.ToLocalTime():yyyy-MM-dd HH:mm}" : "never", person.DeviceId);
        }

        context.Terminal.Tables().Write(table);
        return ExitCode.Ok;
    }

    private static IEnumerable<string> Lines(EntryReport report)
    {
        if (report.Set is not { } set)
        {
            yield return "Not set up. Set it up: pocketcoder feishu config --app-id ID (docs/feishu.md says where to find it)";
            yield break;
        }

        yield return $"App       {set.AppId} at {set.Domain}";
        yield return $"Language  {set.Language}";
        if (set.Webhook is { } webhook)
        {
            yield return $"Webhook   {webhook} in the place of the long connection; its key: pocketcoder secrets set {WebhookKey}";
        }

        if (set.LocalHttp is { } local)
        {
            yield return $"Local     http://{local} for programs on this computer that have its token";
        }

        yield return report.SecretSetAt is { } at ? $"Secret    set {at.ToLocalTime():yyyy-MM-dd HH:mm}"
            : $"Secret    missing; give it: pocketcoder feishu config --app-id {set.AppId}";
        yield return $"At start  {(set.Enabled ? "on" : "off")}";
        if (report.Restart)
        {
            yield return "Changed since the daemon started; takes effect when it restarts: pocketcoder restart";
        }
    }

    private static string Phase(EntryReport report) => report.State.ToString().ToLowerInvariant();

    private static string Words(IReadOnlyList<Scope> scopes) => string.Join(' ', scopes).ToLowerInvariant();
}
