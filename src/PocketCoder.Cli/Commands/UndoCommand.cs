using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder undo</c>: brings files back to what they were before something that was allowed.</summary>
internal static class UndoCommand
{
    private const int ShownLines = 400;

    public static Command Create(Terminal terminal)
    {
        var target = new Argument<string>("what") { Description = "Id of an approval, turn or undo, or a prefix of at least 8 characters" };
        var dry = new Option<bool>("--dry-run") { Description = "Show the changes without making them" };
        var force = new Option<bool>("--force") { Description = "Also revert files changed since by others; those changes are lost" };
        return new Command("undo", "Revert the files that an approved action changed")
            { target, dry, force }.Does(terminal, async (context, parsed, ct) =>
        {
            var preview = await context.Daemon.PreviewUndoAsync(parsed.GetRequiredValue(target), ct);
            if (parsed.GetValue(dry))
            {
                Show(context, preview);
                return ExitCode.Ok;
            }

            var undone = await context.Daemon.UndoAsync(new UndoRequest(preview.Target, preview.Digest, parsed.GetValue(force)), ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, undone, CliJson.Default.UndoInfo);
            }
            else
            {
                context.Say(
                    $"Reverted {undone.Files} {(undone.Files == 1 ? "file" : "files")}. To undo this: pocketcoder undo {undone.UndoId}");
                foreach (var failed in undone.Failed)
                {
                    context.Say($"Not reverted: {Untrusted.Show(failed.Path)}: {Untrusted.Show(failed.Why)}");
                }
            }

            return undone.Failed.Count == 0 ? ExitCode.Ok : ExitCode.Failure;
        });
    }

    private static void Show(CommandContext context, SnapshotDiffResponse preview)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, preview, CliJson.Default.SnapshotDiffResponse);
            return;
        }

        context.Say(preview.Total == 0 ? "Nothing to undo: every file matches the snapshot."
            : $"Undoing would change {preview.Total} {(preview.Total == 1 ? "file" : "files")}:");
        var lines = 0;
        foreach (var file in preview.Files)
        {
            context.Say($"{Word(file.Change)} {Untrusted.Show(file.Path)}{(file.ChangedSince ? "  (changed since by someone else)" : "")}");
            foreach (var line in file.Diff?.Hunks.SelectMany(h => h.Lines) ?? [])
            {
                if (++lines <= ShownLines)
                {
                    context.Say($"  {(line.Kind == DiffLineKind.Add ? '+' : line.Kind == DiffLineKind.Remove ? '-' : ' ')} {Untrusted.Show(line.Text)}");
                }
            }
        }

        if (lines > ShownLines)
        {
            context.Say($"  … {lines - ShownLines} more lines; --json shows them");
        }

        if (preview.Total > preview.Files.Count)
        {
            context.Say($"and {preview.Total - preview.Files.Count} more files");
        }

        foreach (var left in preview.LeftAlone)
        {
            context.Say($"left   {Untrusted.Show(left.Path)}: {left.Why}");
        }

        if (preview.OutcomeUnknown)
        {
            context.Say(
                "The outcome is unknown, so later changes by others can't be told apart from its own. To undo anyway, use --force.");
        }
    }

    private static string Word(UndoChange change) => change switch
    {
        UndoChange.Create => "create",
        UndoChange.Delete => "delete",
        UndoChange.Mode => "mode  ",
        UndoChange.Link => "link  ",
        _ => "write ",
    };
}
