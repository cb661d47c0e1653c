using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder link|unlink</c>: the remote gateway through which devices reach this machine.</summary>
internal static class LinkCommands
{
    public static Command Link(Terminal terminal)
    {
        var gateway = new Argument<string>("url") { Description = "The gateway's address: https://HOST[:PORT]", HelpName = "URL" };
        return new Command("link", "Connect this machine to a remote gateway") { gateway }.Does(terminal, async (context, parsed, ct) =>
        {
            var status = await LinkAsync(context, parsed.GetRequiredValue(gateway), ct);
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

    /// <summary>
    /// A gateway that knows this machine needs no code. Else it is asked for, or read from standard input; never an argument, which every
    /// local user could see.
    /// </summary>
    private static async Task<LinkStatus> LinkAsync(CommandContext context, string gateway, CancellationToken ct)
    {
        try
        {
            return await context.Daemon.LinkAsync(gateway, null, ct);
        }
        catch (ControlException refused) when (refused.Code == ErrorCode.Unauthorized)
        {
            var code = await SecretCommands.ValueAsync(context, "Code from 'pocketcoder gateway invite' (hidden): ", ct);
            if (code.Trim() is not { Length: > 0 } given)
            {
                throw;
            }

            return await context.Daemon.LinkAsync(gateway, given, ct);
        }
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
