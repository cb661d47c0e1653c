using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Notifications;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder notify set|list|remove|test</c>: where notifications go besides devices.</summary>
internal static class NotifyCommands
{
    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = "Your word for the receiver: letters, digits, dots, - and _" };
        var ntfy = new Option<string>("--ntfy") { Description = "A topic of an ntfy server: https://HOST/TOPIC", HelpName = "URL" };
        var webhook = new Option<string>("--webhook") { Description = "An address that gets signed JSON", HelpName = "URL" };
        var token = new Option<bool>("--token") { Description = "ntfy: read an access token from standard input or a prompt" };
        var details = new Option<bool>("--details") { Description = "With a line of what is asked for; an ntfy server can read it" };
        var digest = new Option<bool>("--digest") { Description = "One notification in 15 minutes at most" };
        var set = new Command("set", "Set or replace a receiver") { name, ntfy, webhook, token, details, digest };
        set.Validators.Add(result =>
        {
            var (topic, hook) = (result.GetResult(ntfy) is { Implicit: false }, result.GetResult(webhook) is { Implicit: false });
            if (topic == hook || (hook && result.GetValue(token)))
            {
                result.AddError("Give --ntfy URL, with --token if it needs one, or --webhook URL.");
            }
        });
        return new Command("notify", "Manage where notifications go besides paired devices: ntfy and webhooks")
        {
            set.Does(terminal, async (context, parsed, ct) =>
            {
                var (topic, hook) = (parsed.GetValue(ntfy), parsed.GetValue(webhook));
                var word = parsed.GetValue(token) ? (await SecretCommands.ValueAsync(context, "Access token (hidden): ", ct)).Trim() : null;
                return Set(context, await context.Daemon.SetReceiverAsync(
                    parsed.GetRequiredValue(name), topic is null ? ReceiverKind.Webhook : ReceiverKind.Ntfy, topic ?? hook!, word,
                    parsed.GetValue(details), parsed.GetValue(digest), ct));
            }),
            new Command("list", "List receivers; topics, paths and keys are never shown again").Does(
                terminal, async (context, _, ct) => List(context, await context.Daemon.ListReceiversAsync(ct))),
            new Command("remove", "Remove a receiver") { name }.Does(terminal, async (context, parsed, ct) => Removed(
                context, await context.Daemon.RemoveReceiverAsync(parsed.GetRequiredValue(name), ct))),
            new Command("test", "Send a notification to a receiver now") { name }.Does(terminal, async (context, parsed, ct) =>
            {
                var report = await context.Daemon.TestReceiverAsync(parsed.GetRequiredValue(name), ct);
                if (context.Json)
                {
                    CliJson.Write(context.Terminal, report, CliJson.Default.PushReport);
                }
                else if (report.Accepted)
                {
                    context.Say(Untrusted.Show(report.Words));
                }
                else
                {
                    throw new CommandFailure($"Not delivered: {Untrusted.Show(report.Words)}");
                }

                return report.Accepted ? ExitCode.Ok : ExitCode.Failure;
            }),
        };
    }

    private static int Set(CommandContext context, NotifySetResponse set)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, set, CliJson.Default.NotifySetResponse);
            return ExitCode.Ok;
        }

        var name = Untrusted.Show(set.Receiver.Name);
        context.Say($"Set {name}: {Line(set.Receiver)}. Try it: pocketcoder notify test {name}");
        if (set.Key is { } key)
        {
            context.Say($"Signing key, shown this once: {key}");
        }

        return ExitCode.Ok;
    }

    private static int List(CommandContext context, IReadOnlyList<NotifyReceiver> receivers)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, receivers, CliJson.Default.IReadOnlyListNotifyReceiver);
        }
        else if (receivers.Count == 0)
        {
            context.Say("No receivers. Set one: pocketcoder notify set NAME --ntfy https://HOST/TOPIC");
        }
        else
        {
            var table = PlainTable.Of("Name", "Where", "Options", "Last");
            foreach (var one in receivers)
            {
                string?[] options = [one.Details ? "details" : null, one.Digest ? "digest" : null];
                table.Row(one.Name, Line(one), string.Join(", ", options.Where(o => o is not null)), one.Last?.Words ?? "");
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }

    private static int Removed(CommandContext context, NotifyReceiver removed)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, removed, CliJson.Default.NotifyReceiver);
        }
        else
        {
            context.Say($"Removed {Untrusted.Show(removed.Name)}.");
        }

        return ExitCode.Ok;
    }

    private static string Line(NotifyReceiver one)
        => $"{(one.Kind == ReceiverKind.Ntfy ? "ntfy" : "webhook")} {Untrusted.Show(one.Origin)}";
}
