using System.CommandLine;
using System.CommandLine.Parsing;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder pair</c>: shows a one-time link as text and QR code, and waits for the device.</summary>
internal static class PairCommand
{
    /// <summary>Enough to work with. Managing devices from a device is asked for by name.</summary>
    private static readonly Scope[] s_usual = [Scope.View, Scope.Prompt, Scope.Decide];

    public static Command Create(Terminal terminal)
    {
        var scopes = new Option<Scope[]>("--scope")
        {
            Description = "What the device may do: view, prompt, decide, manage; may be given several times (default: view prompt decide)",
            HelpName = "SCOPE",
            CustomParser = result => [.. result.Tokens.Select(t => ScopeOf(t.Value, result))],
        };
        var name = new Option<string?>("--name") { Description = "What to call the device (default: what it calls itself)" };
        var noWait = new Option<bool>("--no-wait") { Description = "Show the link and return" };
        return new Command("pair", "Pair a phone or browser: shows a one-time link") { scopes, name, noWait }.Does(terminal, async (context, parsed, ct) =>
        {
            var offer = await context.Daemon.PairAsync(new PairingRequest(parsed.GetValue(scopes) is { Length: > 0 } given ? given : s_usual, parsed.GetValue(name)), ct);
            Show(context, offer);
            return parsed.GetValue(noWait) ? ExitCode.Ok : await WaitAsync(context, offer, ct);
        });
    }

    private static Scope ScopeOf(string text, ArgumentResult result)
    {
        switch (text)
        {
            case "view": return Scope.View;
            case "prompt": return Scope.Prompt;
            case "decide": return Scope.Decide;
            case "manage": return Scope.Manage;
            default:
                result.AddError($"'{text}' is nothing a device may do. There are: view, prompt, decide, manage");
                return Scope.View;
        }
    }

    private static void Show(CommandContext context, PairingOffer offer)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, offer, CliJson.Default.PairingOffer);
            return;
        }

        var link = offer.Links[0];
        if (context.Terminal.Interactive)
        {
            foreach (var line in Qr.Draw(link, context.Terminal.Color, context.Terminal.Width) ?? ["(The terminal is too narrow for the QR code.)"])
            {
                context.Say(line);
            }
        }

        foreach (var other in offer.Links)
        {
            context.Say(other);
        }

        context.Say($"The device shows this machine's fingerprint; compare it:  {string.Join(' ', offer.MachineId.Chunk(4).Select(group => new string(group)))}");
        context.Say($"Open it on the device, once, before {offer.ExpiresAt.ToLocalTime():HH:mm:ss}. It may {string.Join(", ", offer.Scopes).ToLowerInvariant()}. Give the link to nobody else.");
        if (new Uri(link).IsLoopback)
        {
            context.Say("This address opens on this computer only. For a phone: pocketcoder tls init, or 'tailscale serve' (docs/operations.md says how).");
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
                    PairingState.Burnt => throw new CommandFailure("Somebody tried this link with a wrong secret too often; it is dead. If that was not you, look at: pocketcoder logs"),
                    _ => throw new CommandFailure("Nobody opened the link in time. For a new one: pocketcoder pair"),
                };
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), ct);
        }
    }

    private static int Paired(CommandContext context, PairingProgress progress)
    {
        context.Say($"Paired: {Untrusted.Show(progress.Device?.Name ?? "a device")} ({Untrusted.Show(progress.Device?.App ?? "")}). If that is not yours: pocketcoder devices revoke {progress.Device?.DeviceId}");
        return ExitCode.Ok;
    }
}
