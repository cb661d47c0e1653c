using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Archives: unpacking writes whatever names stand in them.</summary>
internal static class Archives
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("tar bsdtar gtar", Tar);
        programs.Add("unzip", Unzip);
        programs.Add("zip", static call => Pack(call, ["-T", "-TT", "--unzip-command", "-m", "--move", "-i", "-@"]));
        programs.Add("gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd lz4", Compress);
        programs.Add("7z 7za 7zr cpio pax ar unrar",
            static call => call.Unknown($"Packs or unpacks files with unknown names: {call.Shown}"));
    }

    private static void Tar(Invocation call)
    {
        if (call.Has("--to-command", "--use-compress-program", "--checkpoint-action", "--info-script", "--new-volume-script",
            "--rsh-command", "--rmt-command", "-I", "-F"))
        {
            call.RunsUnseen(call.Name, $"An option of tar runs a program: {call.Shown}");
            Commands(call);
        }

        if (call.Has("--absolute-names", "-P", "--remove-files", "--files-from", "-T", "--transform", "--recursive-unlink",
            "--overwrite-dir"))
        {
            call.Unknown($"An option of tar makes it write or delete outside its folder: {call.Shown}");
        }

        var mode = call.Args is [var first, ..] ? first.Text : "";
        var letters = mode.StartsWith("--", StringComparison.Ordinal) ? "" : mode.TrimStart('-');
        var creates = letters.Contains('c', StringComparison.Ordinal) || call.Has("--create");
        var extracts = letters.Contains('x', StringComparison.Ordinal) || call.Has("--extract", "--get");
        var lists = letters.Contains('t', StringComparison.Ordinal) || call.Has("--list");
        List<Arg> archives = [.. call.Args.Where((_, i) => i > 0 && call.Args[i - 1].Text is var before && (before == "--file"
            || (before.EndsWith('f') && (i == 1 || before.StartsWith('-')) && !before.StartsWith("--", StringComparison.Ordinal)))),
            .. call.Args.Where(a => a.Text.StartsWith("--file=", StringComparison.Ordinal))
                .Select(a => a with { Text = a.Text["--file=".Length..] })];
        List<Arg> folders = [.. call.Args.Where((_, i) => i > 0 && call.Args[i - 1].Text is "-C" or "--directory"), .. call.Args.Where(a =>
            a.Text.StartsWith("--directory=", StringComparison.Ordinal)).Select(a => a with { Text = a.Text["--directory=".Length..] })];
        foreach (var archive in archives.Where(a => a.Text.Contains(':', StringComparison.Ordinal)))
        {
            call.Reaches(archive.Text[..archive.Text.IndexOf(':', StringComparison.Ordinal)], "an archive on another machine");
        }

        if (creates)
        {
            call.Writes(archives.Where(a => a.Text != "-"));
            call.Reads(call.Operands("fC").Where(a => !archives.Contains(a) && !folders.Contains(a) && a != call.Args[0]), tree: true);
        }
        else if (extracts)
        {
            call.Reads(archives);
            foreach (var folder in folders.Count == 0 ? [new Arg(".")] : folders)
            {
                call.Writes(folder);
            }

            call.Unknown("Unpacks files with names from the archive, possibly including hooks and settings.");
        }
        else if (lists)
        {
            call.Reads(archives);
        }
        else
        {
            call.Unknown($"The effect of this tar command is unclear: {call.Shown}");
        }
    }

    /// <summary>The commands in options of tar, as far as they can be read there.</summary>
    private static void Commands(Invocation call)
    {
        (string Short, string Long)[] options = [("", "--to-command"), ("-I", "--use-compress-program"), ("", "--checkpoint-action"),
            ("-F", "--info-script"), ("", "--new-volume-script"), ("", "--rsh-command"), ("", "--rmt-command")];
        foreach (var (shorter, longer) in options.Where(o => call.Has(o.Long) || (o.Short.Length > 0 && call.Has(o.Short))))
        {
            foreach (var value in call.Values(shorter, longer).Where(v => v.Exact))
            {
                call.Script(value with { Text = value.Text.StartsWith("exec=", StringComparison.Ordinal) ? value.Text[5..] : value.Text });
            }
        }
    }

    private static void Unzip(Invocation call)
    {
        call.Reads(call.Operands("dx").Take(1));
        if (call.Args.Any(a => a.Text is "-l" or "-t" or "-v" or "-Z" or "-p"))
        {
            return;
        }

        call.Writes(call.Values("-d", "--never").DefaultIfEmpty(new Arg(".")));
        call.Unknown("Unpacks files with names from the archive, possibly including hooks and settings.");
    }

    private static void Pack(Invocation call, ReadOnlySpan<string> doubtful)
    {
        if (call.Has(doubtful))
        {
            call.Report.Unseen();
            call.Unknown($"An option of {call.Name} runs a program or deletes the packed files: {call.Shown}");
        }

        var operands = call.Operands();
        call.Writes(operands.Take(1));
        call.Reads(operands.Skip(1), tree: true);
    }

    private static void Compress(Invocation call)
    {
        if (call.Has("-c", "--stdout", "--to-stdout", "-t", "--test", "-l", "--list"))
        {
            call.Reads(call.Operands());
            return;
        }

        call.Writes(call.Operands());
        if (call.Has("-f", "--force", "--rm"))
        {
            call.Deletes(call.Operands());
        }
    }
}
