using PocketCoder.Cli.Output;
using PocketCoder.Sandboxes;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder doctor --attack</c>: tries to break out of a sandbox of this machine and tells what held.</summary>
internal static class DoctorAttack
{
    public static async Task<int> RunAsync(CommandContext context, string? wanted, CancellationToken ct)
    {
        await using var sandboxes = new DoctorSandboxes(context.Terminal.Environment);
        var reasons = new List<string>();
        foreach (var (kind, make) in sandboxes.All.Where(s => wanted is null || DoctorSandboxes.NameOf(s.Kind) == wanted))
        {
            var probe = await DoctorSandboxes.ProbeAsync(kind, make, ct);
            if (!probe.Usable)
            {
                reasons.Add($"{DoctorSandboxes.NameOf(kind)}: {string.Join(' ', probe.Reasons)}");
                continue;
            }

            var backend = make();
            try
            {
                return await AttackAsync(context, DoctorSandboxes.NameOf(kind), backend, sandboxes.Folder, ct);
            }
            finally
            {
                (backend as IDisposable)?.Dispose();
            }
        }

        throw new CommandFailure($"No sandbox to attack on this machine. {string.Join(" ", reasons)}",
            code: Failure.Wire(Protocol.ErrorCode.SandboxUnavailable));
    }

    private static async Task<int> AttackAsync(
        CommandContext context, string name, ISandboxBackend backend, string folder, CancellationToken ct)
    {
        // As root the projects stay root's, as they do when the daemon runs as root: the hardest case.
        var results = new List<AttackShown>();
        await using (var suite = await AttackSuite.StartAsync(backend, folder, owner: null, TimeProvider.System, ct))
        {
            foreach (var attack in AttackSuite.All)
            {
                ct.ThrowIfCancellationRequested();
                await TellProgressAsync(context, $"{results.Count + 1}/{AttackSuite.All.Count}  {attack.Title}");
                var result = await suite.RunAsync(attack, ct);
                results.Add(new AttackShown(attack.Id, attack.Title, attack.Defence, Word(result.Verdict), result.Detail));
            }
        }

        await TellProgressAsync(context, "");
        var told = new AttacksShown(name, Count(AttackVerdict.Held), Count(AttackVerdict.Broken), Count(AttackVerdict.NotRun), results);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, told, CliJson.Default.AttacksShown);
        }
        else
        {
            Tell(context, told);
        }

        return told.Broken == 0 && told.Held > 0 ? ExitCode.Ok : ExitCode.Failure;

        int Count(AttackVerdict verdict) => results.Count(r => r.Verdict == Word(verdict));
    }

    private static void Tell(CommandContext context, AttacksShown told)
    {
        foreach (var (verdict, title) in (ReadOnlySpan<(string, string)>)[("held", "held"), ("not_run", "not run"), ("broken", "BROKEN")])
        {
            foreach (var attack in told.Attacks.Where(a => a.Verdict == verdict))
            {
                var detail = verdict == "held" ? attack.Defence : attack.Detail;
                context.Say($"{title,-7}  {attack.Id,-28}  {Untrusted.Show(attack.Title)}: {Untrusted.Show(detail)}");
            }
        }

        context.Say("");
        context.Say($"{told.Sandbox}: {told.Held} held, {told.Broken} broken, {told.NotRun} not run.");
        if (told.Broken > 0)
        {
            context.Say("Attacks marked BROKEN succeeded. Do not rely on this sandbox on this machine.");
        }
    }

    /// <summary>On a terminal one line that is written over; nothing when the output is read by a program.</summary>
    private static async Task TellProgressAsync(CommandContext context, string text)
    {
        if (!context.Json && context.Terminal.Interactive)
        {
            var line = Untrusted.Show(text);
            await context.Terminal.Error.WriteAsync($"\r\e[K{(line.Length <= 78 ? line : line[..78])}");
        }
    }

    private static string Word(AttackVerdict verdict) => verdict switch
    {
        AttackVerdict.Held => "held",
        AttackVerdict.Broken => "broken",
        _ => "not_run",
    };
}
