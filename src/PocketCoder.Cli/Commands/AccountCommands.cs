using System.CommandLine;
using System.Diagnostics;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Linking;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder login|logout|whoami</c>: this machine at a gateway with accounts. A person who is signed in there lets it in, by a code
/// that is shown here. Devices are paired without an account.
/// </summary>
internal static class AccountCommands
{
    /// <summary>For a gateway that gives no time.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);

    /// <summary>How much longer than the code holds the answer is waited for.</summary>
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(30);

    public static Command Login(Terminal terminal)
    {
        var gateway = new Argument<string>("url") { Description = "The gateway's address: https://HOST[:PORT]", HelpName = "URL" };
        return new Command("login", "Connect this machine to a gateway with accounts; a person there lets it in") { gateway }.Does(
            terminal, async (context, parsed, ct) =>
        {
            var url = parsed.GetRequiredValue(gateway);
            var step = await context.Daemon.LoginAsync(url, wait: false, ct);
            if (step.State == LoginState.Pending)
            {
                await ShowAsync(context, url, step, ct);
                step = await WaitAsync(context, url, step, ct);
            }

            return Ended(context, url, step);
        });
    }

    public static Command Logout(Terminal terminal)
        => new Command("logout", "Leave the gateway; it forgets this machine").Does(terminal, async (context, _, ct) =>
        {
            var left = await context.Daemon.LogoutAsync(ct);
            if (left.Gateway is null)
            {
                throw NoGateway();
            }

            if (context.Json)
            {
                CliJson.Write(context.Terminal, left, CliJson.Default.LogoutStep);
                return ExitCode.Ok;
            }

            context.Say($"Logged out of {Untrusted.Show(left.Gateway)}.");
            if (!left.Told)
            {
                context.Say($"The gateway does not know that yet: {Untrusted.Show(left.Why ?? "")}");
                context.Say("To have it forget this machine, remove it in the app under Account, or there: pocketcoder gateway remove");
            }

            return ExitCode.Ok;
        });

    public static Command WhoAmI(Terminal terminal)
        => new Command("whoami", "Show this machine's gateway, who let it in, and whether it is connected").Does(
            terminal, async (context, _, ct) =>
        {
            var status = await context.Daemon.StatusAsync(ct);
            if (status.Link is not { Gateway: { } gateway } link)
            {
                throw NoGateway();
            }

            var shown = new WhoAmIShown(
                gateway.GetLeftPart(UriPartial.Authority), status.Name, status.MachineId, link.AddedBy, link.State, link.Since, link.Why);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, shown, CliJson.Default.WhoAmIShown);
                return ExitCode.Ok;
            }

            context.Say($"{Untrusted.Show(status.Name)}  {status.MachineId}");
            context.Say($"  Gateway   {Untrusted.Show(LinkCommands.Line(link))}");
            var by = link.AddedBy is { } name ? Untrusted.Show(name)
                : link.LastConnectedAt is null ? "not known before it is connected" : "a code";
            context.Say($"  Added by  {by}");
            return ExitCode.Ok;
        });

    /// <summary>What the person needs, on the screen of this machine.</summary>
    private static async Task ShowAsync(CommandContext context, string url, LoginStep step, CancellationToken ct)
    {
        var open = $"{url.TrimEnd('/')}/account/machine#{step.Code}";
        if (context.Json)
        {
            CliJson.Write(context.Terminal, Shown(url, step, open), CliJson.Default.LoginShown);
        }
        else
        {
            var terminal = context.Terminal;
            foreach (var line in (terminal.Interactive ? Qr.Draw(open, terminal.Color, terminal.Width) : null) ?? [])
            {
                context.Say(line);
            }

            context.Say("An owner or admin of the gateway lets this machine in: open this on a phone or computer that is signed in there,");
            context.Say($"  {Untrusted.Show(open)}");
            context.Say("or type this code in the app, under Account, Add a machine:");
            context.Say($"  {Untrusted.Show(step.Code ?? "")}");
            context.Say($"The same words must be shown there:  {step.Fingerprint}");
            context.Say($"Waiting for up to {Math.Ceiling((step.ExpiresIn ?? 0) / 60d):0} minutes. Ctrl-C stops waiting.");
        }

        await context.Terminal.Out.FlushAsync(ct);
    }

    /// <summary>As often as the gateway wants it, until somebody decided. One that can't be reached for a while is asked again.</summary>
    private static async Task<LoginStep> WaitAsync(CommandContext context, string url, LoginStep first, CancellationToken ct)
    {
        var (began, step) = (Stopwatch.GetTimestamp(), first);
        var limit = TimeSpan.FromSeconds(first.ExpiresIn ?? 0) + s_grace;
        while (Stopwatch.GetElapsedTime(began) < limit)
        {
            await Task.Delay(step.Interval is { } seconds ? TimeSpan.FromSeconds(seconds) : s_interval, ct);
            try
            {
                step = await context.Daemon.LoginAsync(url, wait: true, ct);
            }
            catch (ControlException e) when (e.Code == ErrorCode.Unavailable)
            {
                continue; // the network, or a gateway that starts anew: then it says that the code has ended
            }

            if (step.State != LoginState.Pending)
            {
                return step;
            }
        }

        return step with { State = LoginState.Expired };
    }

    private static int Ended(CommandContext context, string url, LoginStep step)
    {
        switch (step.State)
        {
            case LoginState.Linked when context.Json:
                CliJson.Write(context.Terminal, Shown(url, step, null), CliJson.Default.LoginShown);
                return ExitCode.Ok;
            case LoginState.Linked:
                var by = step.AddedBy is { } name ? $", let in by {Untrusted.Show(name)}" : "";
                context.Say($"Logged in to {Untrusted.Show(url.TrimEnd('/'))}{by}. It stays connected. To pair a device: pocketcoder pair");
                return ExitCode.Ok;
            case LoginState.Refused:
                throw new CommandFailure("Somebody at the gateway refused this machine.", code: OwnCodes.Refused);
            case LoginState.NoAccounts:
                throw new CommandFailure(
                    $"This gateway has no accounts, or is of an older version: machines come to it by codes. There: pocketcoder gateway invite. Here: pocketcoder link {url}",
                    ExitCode.NotSetUp);
            default:
                throw new CommandFailure(
                    $"Nobody let this machine in in time, or the gateway was started anew. For a new code: pocketcoder login {url}",
                    code: OwnCodes.Refused);
        }
    }

    private static LoginShown Shown(string url, LoginStep step, string? open)
        => new(step.State, url.TrimEnd('/'), step.Fingerprint, step.Code, open, step.ExpiresIn, step.AddedBy);

    private static CommandFailure NoGateway() => new(
        "This machine is at no gateway, and needs none: its own gateway knows the devices you paired. To connect it to one: pocketcoder login URL",
        ExitCode.NotSetUp);
}
