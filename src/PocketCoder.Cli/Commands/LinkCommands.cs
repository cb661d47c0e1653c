using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.Linking;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder link|unlink</c>: the gateway elsewhere through which devices reach this machine.</summary>
internal static class LinkCommands
{
    public static Command Link(Terminal terminal)
    {
        var gateway = new Argument<string>("url") { Description = "The gateway's address: https://HOST[:PORT]", HelpName = "URL" };
        var code = new Option<string?>("--code")
        { Description = "Code from 'pocketcoder gateway invite' (not needed where this machine is known)", HelpName = "CODE" };
        return new Command("link", "Connect this machine to a gateway elsewhere") { gateway, code }.Does(
            terminal, async (context, parsed, ct) =>
        {
            var status = await context.Daemon.LinkAsync(parsed.GetRequiredValue(gateway), parsed.GetValue(code), ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, status, CliJson.Default.LinkStatus);
            }
            else
            {
                context.Say($"Linked to {Untrusted.Show(TextOf(status))}. It stays connected. To pair a device there: pocketcoder pair");
            }

            return ExitCode.Ok;
        });
    }

    public static Command Unlink(Terminal terminal)
        => new Command("unlink", "Disconnect this machine from its gateway").Does(terminal, async (context, _, ct) =>
    {
        var before = await context.Daemon.UnlinkAsync(ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new UnlinkShown(before), CliJson.Default.UnlinkShown);
        }
        else
        {
            context.Say(before is null ? "This machine is not linked to a gateway." : $"Unlinked from {Untrusted.Show(before)}.");
        }

        return ExitCode.Ok;
    });

    /// <summary>How it stands, in one line.</summary>
    public static string Line(LinkStatus status) => $"{TextOf(status)}  " + status.State switch
    {
        LinkState.Connected => $"connected since {status.Since.ToLocalTime():yyyy-MM-dd HH:mm}",
        LinkState.Refused => $"refused: {status.Why}",
        LinkState.Reconnecting => $"not connected: {status.Why}",
        _ => "connecting",
    };

    private static string TextOf(LinkStatus status) => status.Gateway?.GetLeftPart(UriPartial.Authority) ?? "";
}
