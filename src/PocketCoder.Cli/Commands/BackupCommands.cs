using System.CommandLine;
using System.Globalization;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;
using PocketCoder.Machine.Backups;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder backup|restore</c>: without the daemon's help, so that they work when it doesn't.</summary>
internal static class BackupCommands
{
    public static Command Backup(Terminal terminal)
    {
        var folder = new Argument<string?>("folder")
        { Description = "New folder for the backup (default: ./pocketcoder-backup-TIME)", Arity = ArgumentArity.ZeroOrOne };
        return new Command("backup", "Back up ledger, keys and settings to a folder; works while the daemon runs")
            { folder }.Does(terminal, async (context, parsed, ct) =>
        {
            context.Home.Inspect();
            var time = TimeProvider.System;
            var named = parsed.GetValue(folder)
                ?? "pocketcoder-backup-" + time.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
            var target = Path.GetFullPath(named, context.Terminal.CurrentDirectory);
            var made = await HomeBackup.MakeAsync(context.Home, target, time, ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, new BackupShown(target, made.LedgerSeq, made.LedgerHash), CliJson.Default.BackupShown);
            }
            else
            {
                context.Say($"Backed up and verified: {Untrusted.Show(target)}");
                context.Say($"  Ledger  {made.LedgerSeq} rows, head {made.LedgerHash}");
                context.Say("  The backup contains this machine's keys. Keep it as safe as the keys themselves.");
            }

            return ExitCode.Ok;
        });
    }

    public static Command Restore(Terminal terminal)
    {
        var folder = new Argument<string>("folder") { Description = "Folder of the backup" };
        var force = new Option<bool>("--force")
        { Description = "Restore even if the backup is older than the current ledger or belongs to another one" };
        var check = new Option<bool>("--check") { Description = "Verify the backup without restoring it" };
        return new Command("restore", "Restore a backup; the current data is kept")
            { folder, force, check }.Does(terminal, async (context, parsed, ct) =>
        {
            var source = Path.GetFullPath(parsed.GetRequiredValue(folder), context.Terminal.CurrentDirectory);
            if (parsed.GetValue(check))
            {
                Tell(context, new RestoredHome(await HomeBackup.VerifyAsync(source, ct), null), "This backup is intact");
                return ExitCode.Ok;
            }

            context.Home.Prepare();
            using var held = DaemonLock.TryTake(context.Home, TimeProvider.System)
                ?? throw new CommandFailure("The daemon is running. Stop it first: pocketcoder stop");
            Tell(context, await HomeBackup.RestoreAsync(context.Home, held, source, parsed.GetValue(force), TimeProvider.System, ct),
                "Restored");
            return ExitCode.Ok;
        });
    }

    private static void Tell(CommandContext context, RestoredHome restored, string done)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, new RestoreShown(restored.Backup.CreatedAt, restored.Backup.LedgerSeq,
                restored.Backup.LedgerHash, restored.Kept), CliJson.Default.RestoreShown);
            return;
        }

        context.Say($"{done}: of {restored.Backup.CreatedAt.ToLocalTime():yyyy-MM-dd HH:mm:ss}, {restored.Backup.LedgerSeq} rows, head {restored.Backup.LedgerHash}");
        if (restored.Kept is { } kept)
        {
            context.Say($"  The previous data is kept in {Untrusted.Show(kept)}");
        }
    }
}
