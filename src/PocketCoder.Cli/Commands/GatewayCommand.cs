using System.CommandLine;
using System.Text;
using PocketCoder.Cli.Autostarting;
using PocketCoder.Cli.Output;
using PocketCoder.Cli.Parsing;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Machine;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Status;
using PocketCoder.Platform;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder gateway</c>: a gateway that runs on its own, for remote machines, until it is stopped; and which machines those are.
/// </summary>
internal static class GatewayCommand
{
    private const int ShortId = 4;

    private static readonly Option<int?> s_maxDevices = Values.Whole(
        "--max-devices", "N", "How many devices may be connected at once: 1 to 100000 (default 1000)", 1, 100_000);

    /// <summary>The options of <c>gateway run</c>, which its settings may give, too.</summary>
    public static IReadOnlyList<Option> Settings { get; } = [.. StartCommand.OfGateway, GatewayPeopleCommands.Accounts, s_maxDevices];

    public static Command Create(Terminal terminal)
    {
        var run = new Command("run", "Run the gateway in this terminal; Ctrl-C stops it");
        foreach (var option in Settings)
        {
            run.Options.Add(option);
        }

        var machine = new Argument<string>("machine") { Description = "Machine id (or a prefix), or label" };
        // Alone it runs with what is kept: gateway run without options.
        var command = new Command("gateway", "Run a gateway for remote machines, and manage them").Does(
            terminal, (context, parsed, ct) => RunAsync(
                context, parsed.RootCommandResult.Command.Parse(["gateway", "run"], Configuration.Settings.Parser), ct));
        command.Add(run.Does(terminal, RunAsync));
        command.Add(ConfigCommand.Create(
            terminal, Configuration.Settings.OfGateway, home => home.PrepareGateway(), "Takes effect when the gateway starts next."));
        command.Add(AutostartCommands.Enable(terminal, AutostartService.Gateway));
        command.Add(AutostartCommands.Disable(terminal, AutostartService.Gateway));
        command.Add(new Command("invite", "Create a one-time code for one machine").Does(
            terminal, async (context, _, ct) => Invited(context, await EnrolmentsOf(context.Home).NewCodeAsync(ct))));
        command.Add(new Command("machines", "List the machines that may connect").Does(
            terminal, (context, _, _) => Task.FromResult(Show(context, MachinesOf(context.Home)))));
        command.Add(new Command("remove", "Remove a machine; its connection ends") { machine }.Does(
            terminal, async (context, parsed, ct) => await RemoveAsync(context, parsed.GetRequiredValue(machine), ct)));
        command.Add(GatewayPeopleCommands.OwnerLink(terminal));
        command.Add(GatewayPeopleCommands.Users(terminal));
        command.Add(GatewaySignInCommands.Create(terminal));
        return command;
    }

    /// <summary>Where the gateway was last reached by people; null: it did not run yet.</summary>
    public static string? AddressOf(Home home) => File.Exists(AddressFileOf(home)) ? File.ReadAllText(AddressFileOf(home)).Trim() : null;

    private static string FileOf(Home home) => Path.Combine(home.Gateway, "machines.json");

    /// <summary>Where the gateway was last reached by people, for what is shown to them.</summary>
    private static string AddressFileOf(Home home) => Path.Combine(home.Gateway, "address");

    private static Enrolments EnrolmentsOf(Home home)
    {
        home.PrepareGateway();
        return new Enrolments(FileOf(home), TimeProvider.System);
    }

    /// <summary>Looking makes nothing.</summary>
    private static IReadOnlyList<EnrolledMachine> MachinesOf(Home home)
        => File.Exists(FileOf(home)) ? new Enrolments(FileOf(home), TimeProvider.System).Machines : [];

    private static async Task<int> RunAsync(CommandContext context, ParseResult typed, CancellationToken ct)
    {
        context.Home.PrepareGateway();
        var parsed = Configuration.Settings.OfGateway.Complete(typed, context.Home, context.Terminal);
        var options = StartCommand.GatewayFrom(parsed, context.Home) with
        {
            EnrolmentFile = FileOf(context.Home),
            AccountsFile = GatewayPeopleCommands.FileFor(parsed, context.Home),
            MaxConnections = parsed.GetValue(s_maxDevices) ?? GatewayOptions.Default.MaxConnections,
        };
        return await RunAsync(context, options, ct);
    }

    private static async Task<int> RunAsync(CommandContext context, GatewayOptions options, CancellationToken ct)
    {
        var settings = Configuration.Settings.OfGateway;
        using var alone = Lock(context.Home);
        var level = LogFile.LevelFrom(
            settings.Find(settings.Get(Configuration.Settings.LogLevel), context.Home, context.Terminal).Value);
        await using var log = new LogFile(
            Path.Combine(context.Home.Logs, "gateway.log"), level, TimeProvider.System, new KnownSecrets(),
            context.Json ? null : line => context.Terminal.Error.WriteLine(LogReader.Show(line)));
        using var signals = new StopSignals();
        await using var gateway = await GatewayServer.StartAsync(options, new LinkedMachines(), log, TimeProvider.System, ct);
        var address = gateway.Urls[0];
        PrivateFile.Replace(AddressFileOf(context.Home), Encoding.UTF8.GetBytes(address + "\n"));
        var machines = EnrolmentsOf(context.Home).Machines.Count;
        var first = options.AccountsFile is null ? null : await GatewayPeopleCommands.FirstLinkAsync(context.Home, address, ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new GatewayShown(gateway.Urls, machines, first?.Link), CliJson.Default.GatewayShown);
        }
        else
        {
            context.Say("The gateway is running. Ctrl-C stops it.");
            context.Say($"  Open      {string.Join("  or  ", gateway.Urls)}");
            context.Say(machines == 0 ? "  Machines  none yet; to add one, type here: pocketcoder gateway invite"
                : $"  Machines  {machines}; to add another: pocketcoder gateway invite");
            if (options.AccountsFile is not null)
            {
                context.Say(first is null ? "  Accounts  only people who sign in meet machines"
                    : $"  Accounts  nobody yet; open this once, within {first.Hours:0} hours, to become the owner:\n            {first.Link}");
            }
        }

        await context.Terminal.Out.FlushAsync(ct);
        await signals.Stopped.WaitAsync(ct);
        return ExitCode.Ok;
    }

    /// <summary>
    /// One gateway for a home: a second one would take the first one's place in what is shown to people, and write into its log.
    /// </summary>
    private static FileStream Lock(Home home)
    {
        try
        {
            return PrivateFile.Open(Path.Combine(home.Gateway, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (DaemonLock.IsHeldByAnother(e))
        {
            throw new CommandFailure(
                $"A gateway runs already with {home.Gateway}. Stop it first, or give this one a home of its own: POCKETCODER_HOME=DIR",
                code: OwnCodes.Refused);
        }
    }

    private static int Invited(CommandContext context, string code)
    {
        var known = AddressOf(context.Home);
        var command = $"pocketcoder link {known ?? "https://YOUR-GATEWAY"}";
        var minutes = Enrolments.CodeLife.TotalMinutes;
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new InviteShown(known, code, minutes), CliJson.Default.InviteShown);
            return ExitCode.Ok;
        }

        context.Say($"On the machine, once, within {minutes:0} minutes:");
        context.Say($"  {command}");
        context.Say("It asks for this code:");
        context.Say($"  {code}");
        context.Say("Do not share the code: whoever has it can bring a machine to this gateway.");
        return ExitCode.Ok;
    }

    private static int Show(CommandContext context, IReadOnlyList<EnrolledMachine> machines)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, [.. machines.Select(Shown)], CliJson.Default.IReadOnlyListGatewayMachineShown);
        }
        else if (machines.Count == 0)
        {
            context.Say("No machines. Add one: pocketcoder gateway invite");
        }
        else
        {
            var table = PlainTable.Of("Label", "Added", "Id");
            foreach (var machine in machines)
            {
                table.Row(Untrusted.Show(machine.Label), $"{machine.EnrolledAt.ToLocalTime():yyyy-MM-dd HH:mm}", machine.MachineId);
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    }

    private static async Task<int> RemoveAsync(CommandContext context, string named, CancellationToken ct)
    {
        var all = MachinesOf(context.Home);
        var found = all.Where(m => m.MachineId == named).ToList() is { Count: 1 } exact ? exact
            : all.Where(m => string.Equals(m.Label, named, StringComparison.OrdinalIgnoreCase)
                || (named.Length >= ShortId && m.MachineId.StartsWith(named, StringComparison.Ordinal))).ToList();
        if (found is not [var machine])
        {
            throw new CommandFailure(
                found.Count == 0 ? $"No machine {named}. List them: pocketcoder gateway machines"
                    : $"{found.Count} machines match {named}. Use more of the id: {string.Join(", ", found.Select(m => m.MachineId))}",
                code: OwnCodes.NotFound);
        }

        await EnrolmentsOf(context.Home).RemoveAsync(machine.MachineId, ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, [Shown(machine)], CliJson.Default.IReadOnlyListGatewayMachineShown);
        }
        else
        {
            context.Say($"Removed {Untrusted.Show(machine.Label)}. A running gateway ends its connection within a second.");
        }

        return ExitCode.Ok;
    }

    private static GatewayMachineShown Shown(EnrolledMachine machine) => new(machine.MachineId, machine.Label, machine.EnrolledAt);
}
