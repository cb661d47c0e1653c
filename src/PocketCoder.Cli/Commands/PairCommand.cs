using System.CommandLine;
using System.CommandLine.Parsing;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder pair</c>: shows a one-time link as text and QR code, and waits for the device.</summary>
internal static class PairCommand
{
    public static Command Create(Terminal terminal)
    {
        var scopes = Scopes(
            "Scope of the device: view, prompt, decide or manage; repeatable (default: view prompt decide; for the first device all)");
        var name = new Option<string?>("--name") { Description = "Name for the device (default: the device's own)" };
        var (person, tier) = (DeviceLimits.Person(), DeviceLimits.Tier("Highest tier that the device may allow (default: any)"));
        var noWait = new Option<bool>("--no-wait") { Description = "Print the link and return" };
        return new Command("pair", "Pair a phone or browser with a one-time link")
            { scopes, name, person, tier, noWait }.Does(terminal, async (context, parsed, ct) =>
        {
            var offer = await context.Daemon.PairAsync(
                new PairingRequest(
                    parsed.GetValue(scopes) is { Length: > 0 } given ? given : null, parsed.GetValue(name), parsed.GetValue(person),
                    parsed.GetValue(tier)), ct);
            Show(context, offer);
            return parsed.GetValue(noWait) ? ExitCode.Ok : await WaitAsync(context, offer, ct);
        });
    }

    /// <summary>What whoever is paired may do.</summary>
    public static Option<Scope[]> Scopes(string description) => new("--scope")
    {
        Description = description,
        HelpName = "SCOPE",
        CustomParser = result => [.. result.Tokens.Select(t => ScopeOf(t.Value, result))],
        CompletionSources = { "view", "prompt", "decide", "manage" },
    };

    private static Scope ScopeOf(string text, ArgumentResult result)
    {
        switch (text)
        {
            case "view": return Scope.View;
            case "prompt": return Scope.Prompt;
            case "decide": return Scope.Decide;
            case "manage": return Scope.Manage;
            default:
                result.AddError($"'{text}' is not a scope. Use view, prompt, decide or manage");
                return Scope.View;
        }
    }

    /// <summary>The link and what the device must show; at a terminal as a QR code too.</summary>
    public static void Show(CommandContext context, PairingOffer offer)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, offer, CliJson.Default.PairingOffer);
            return;
        }

        var link = offer.Links[0];
        if (context.Terminal.Interactive)
        {
            foreach (var line in Qr.Draw(link, context.Terminal.Color, context.Terminal.Width)
                ?? ["(The terminal is too narrow for the QR code.)"])
            {
                context.Say(line);
            }
        }

        foreach (var other in offer.Links)
        {
            context.Say(other);
        }

        context.Say($"The device must show these words:  {offer.Words}");
        context.Say($"Whole fingerprint:                 {string.Join(' ', offer.MachineId.Chunk(4).Select(group => new string(group)))}");
        context.Say($"Open the link on the device, once, before {offer.ExpiresAt.ToLocalTime():HH:mm:ss}. It may {string.Join(", ", offer.Scopes).ToLowerInvariant()}. Do not share the link.");
        if (new Uri(link).IsLoopback)
        {
            context.Say("This link works on this computer only. For a phone: pocketcoder tls init, or 'tailscale serve' (docs/operations.md says how).");
        }
    }

    private static async Task<int> WaitAsync(CommandContext context, PairingOffer offer, CancellationToken ct)
    {
        while (true)
        {
            var progress = await context.Daemon.PairingAsync(offer.PairingId, ct);
            if (progress.State != PairingState.Waiting)
            {
                if (context.Json)
                {
                    CliJson.Write(context.Terminal, progress, CliJson.Default.PairingProgress);
                    return progress.State == PairingState.Paired ? ExitCode.Ok : ExitCode.Failure;
                }

                return progress.State switch
                {
                    PairingState.Paired => Paired(context, progress),
                    PairingState.Burnt => throw new CommandFailure(
                        "Too many attempts with a wrong secret; the link is no longer valid. If that was not you, check: pocketcoder logs"),
                    _ => throw new CommandFailure("The link expired unused. For a new one: pocketcoder pair"),
                };
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), ct);
        }
    }

    private static int Paired(CommandContext context, PairingProgress progress)
    {
        context.Say($"Paired: {Untrusted.Show(progress.Device?.Name ?? "a device")} ({Untrusted.Show(progress.Device?.App ?? "")}). If this is not your device: pocketcoder devices revoke {progress.Device?.DeviceId}");
        return ExitCode.Ok;
    }
}
