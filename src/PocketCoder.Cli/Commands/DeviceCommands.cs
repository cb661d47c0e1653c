using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Protocol;
using Spectre.Console;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder devices list|revoke|rename|limit</c>.</summary>
internal static class DeviceCommands
{
    public static Command Create(Terminal terminal)
    {
        var device = new Argument<string>("device") { Description = "Device id (or a prefix) or name" };
        var name = new Argument<string>("name") { Description = "1 to 100 characters" };
        var (person, tier) = (DeviceLimits.Person(), DeviceLimits.Tier("Highest tier that it may allow"));
        var nobody = new Option<bool>("--nobody") { Description = "The device is nobody's" };
        var anyTier = new Option<bool>("--any-tier") { Description = "It may allow any tier" };
        var limit = new Command("limit", "Say whose a device is, and the highest tier that it may allow")
            { device, person, nobody, tier, anyTier };
        limit.Validators.Add(result =>
        {
            // As typed: an option without its value is told by the parser, and has none to ask for.
            bool Typed(Option option) => result.GetResult(option) is { Implicit: false };
            var (whose, most) = ((Typed(person), Typed(nobody)), (Typed(tier), Typed(anyTier)));
            if (whose is (true, true) || most is (true, true) || (whose is (false, false) && most is (false, false)))
            {
                result.AddError("Give --person or --nobody, --tier or --any-tier, or one of each.");
            }
        });
        limit.Does(terminal, async (context, parsed, ct) => Limited(context, await context.Daemon.LimitDeviceAsync(
            parsed.GetRequiredValue(device), parsed.GetValue(nobody) ? "" : parsed.GetValue(person), parsed.GetValue(tier),
            parsed.GetValue(anyTier), ct)));
        return new Command("devices", "Manage paired devices, people in chats among them")
        {
            new Command("list", "List paired and revoked devices, and people in chats").Does(
                terminal, async (context, _, ct) => List(context, await context.Daemon.ListDevicesAsync(ct))),
            new Command("revoke", "Revoke a device permanently; its connections end at once") { device }.Does(
                terminal, async (context, parsed, ct) => Changed(
                    context, "Revoked", await context.Daemon.RevokeDeviceAsync(parsed.GetRequiredValue(device), ct))),
            new Command("rename", "Rename a device") { device, name }.Does(
                terminal, async (context, parsed, ct) => Changed(context, "Renamed to",
                    await context.Daemon.RenameDeviceAsync(parsed.GetRequiredValue(device), parsed.GetRequiredValue(name), ct))),
            limit,
        };
    }

    private static int Changed(CommandContext context, string what, DeviceInfo device)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, [device], CliJson.Default.IReadOnlyListDeviceInfo);
        }
        else
        {
            context.Say($"{what} {Untrusted.Show(device.Name)} ({device.DeviceId}).");
        }

        return ExitCode.Ok;
    }

    private static int Limited(CommandContext context, DeviceInfo device)
    {
        if (context.Json)
        {
            return Changed(context, "", device);
        }

        context.Say($"{Untrusted.Show(device.Name)} is {(device.Person is { } person ? $"of {person}" : "nobody's")} and may allow {DeviceLimits.Words(device.Tier)}{(device.Tier is null ? " tier" : "")}.");
        return ExitCode.Ok;
    }

    private static int List(CommandContext context, IReadOnlyList<DeviceInfo> devices)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, devices, CliJson.Default.IReadOnlyListDeviceInfo);
        }
        else if (devices.Count == 0)
        {
            context.Say("No paired devices. Pair one: pocketcoder pair");
        }
        else
        {
            var table = PlainTable.Of("Name", "Through", "May", "Person", "Paired", "Last seen", "State", "Id");
            foreach (var device in devices)
            {
                table.Row(
                    device.Name,
                    device.Platform ?? "app", // a person in a chat has the platform's word only
                    string.Join(' ', device.Scopes).ToLowerInvariant() + (device.Tier is null ? "" : $", {DeviceLimits.Words(device.Tier)}"),
                    device.Person ?? "-",
                    $"{device.PairedAt.ToLocalTime():yyyy-MM-dd HH:mm}",
                    device.LastSeenAt is { } seen ? $"{seen.ToLocalTime():yyyy-MM-dd HH:mm}" : "never",
                    device.RevokedAt is not null ? "revoked" : device.Connected ? "connected" : "away",
                    device.DeviceId);
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }
}
