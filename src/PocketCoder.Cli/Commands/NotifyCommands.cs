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
        var ntfy = new Option<bool>("--ntfy") { Description = "A topic of an ntfy server; reads its address, https://HOST/TOPIC" };
        var webhook = new Option<bool>("--webhook") { Description = "Signed JSON to a web address, which it reads" };
        var token = new Option<bool>("--token") { Description = "ntfy: reads an access token too, after the address" };
        var details = new Option<bool>("--details") { Description = "With a line of what is asked for; an ntfy server can read it" };
        var digest = new Option<bool>("--digest") { Description = "One notification in 15 minutes at most" };
        var kinds = new Option<string>("--kinds") { Description = $"Only these, with commas: {string.Join(' ', NotifyOptions.Kinds)}" };
        var quiet = new Option<string>("--quiet") { Description = "Nothing between two times: 22:00-07:00; what still waits is told then" };
        var zone = new Option<string>("--zone") { Description = "The time zone of --quiet, like Europe/Paris. Usually this machine's" };
        var after = new Option<int?>("--after") { Description = "Ends of turns that took at least so many seconds. Usually 60" };
        var set = new Command("set", "Set or replace a receiver; its address is read from standard input or a prompt")
        { name, ntfy, webhook, token, details, digest, kinds, quiet, zone, after };
        set.Validators.Add(result =>
        {
            var (topic, hook) = (result.GetValue(ntfy), result.GetValue(webhook));
            if (topic == hook || (hook && result.GetValue(token)))
            {
                result.AddError("Give --ntfy, with --token if it needs one, or --webhook. The address is asked for, or read from standard input.");
            }

            // As typed: one without its argument is told by the parser, and has no value to ask for.
            string? Typed(Option<string> option) => result.GetResult(option) is { Tokens: [var token] } ? token.Value : null;
            if (NotifyOptions.Problem(Typed(kinds), Typed(quiet), Typed(zone)) is { } problem)
            {
                result.AddError(problem);
            }
        });
        return new Command("notify", "Manage where notifications go besides paired devices: ntfy and webhooks")
        {
            set.Does(terminal, async (context, parsed, ct) =>
            {
                // Who knows a topic or a path reads or writes there: they are secrets, as the token is.
                var kind = parsed.GetValue(ntfy) ? ReceiverKind.Ntfy : ReceiverKind.Webhook;
                var address = kind == ReceiverKind.Ntfy ? "Topic, https://HOST/TOPIC (hidden): " : "Address, https://… (hidden): ";
                var given = await SecretCommands.ValuesAsync(
                    context, parsed.GetValue(token) ? [address, "Access token (hidden): "] : [address], ct);
                return Set(context, await context.Daemon.SetReceiverAsync(
                    new NotifySetRequest(
                        parsed.GetRequiredValue(name), kind, given[0], given.ElementAtOrDefault(1), parsed.GetValue(details),
                        parsed.GetValue(digest), NotifyOptions.KindsOf(parsed.GetValue(kinds)),
                        NotifyOptions.QuietOf(parsed.GetValue(quiet), parsed.GetValue(zone)), parsed.GetValue(after)),
                    ct));
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
            context.Say("No receivers. Set one: pocketcoder notify set NAME --ntfy");
        }
        else
        {
            var table = PlainTable.Of("Name", "Where", "Options", "Last");
            foreach (var one in receivers)
            {
                table.Row(one.Name, Line(one), string.Join(", ", NotifyOptions.Words(one)), one.Last?.Words ?? "");
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
