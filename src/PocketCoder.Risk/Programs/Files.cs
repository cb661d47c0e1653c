using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Programs that make, move and remove files, and that change who may do what with them.</summary>
internal static class Files
{
    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("rm", static call => call.Deletes(call.Operands()), Traits.AnyOptions);
        programs.Add("unlink", static call => call.Deletes(call.Operands()), Traits.AnyOptions);
        programs.Add("rmdir", static call => call.Writes(call.Operands()), Traits.AnyOptions);
        programs.Add("mkdir touch mkfifo", static call => call.Writes(call.Operands("mdrt", "--mode", "--date", "--reference")));
        programs.Add("cp", Copy);
        programs.Add("mv", Move);
        programs.Add("ln", Link);
        programs.Add("install", static call => CopyLike(call, call.Operands("gmotS", "--mode", "--owner", "--group"),
            call.Values("-t", "--target-directory").Where(_ => HasTarget(call))));
        programs.Add("truncate", static call => Overwrites(call, call.Operands("sr", "--size", "--reference")));
        programs.Add("shred wipe srm", static call => call.Deletes(call.Operands("ns")));
        programs.Add("dd", Dd);
        programs.Add("chmod chown chgrp chattr setfacl chcon", Rights);
        programs.Add("mktemp", MakeTemporary);
        programs.Add("rename", static call => call.RunsCode(
            "rename", $"Renames files with a script: {call.Shown}", RiskTier.WorkspaceWrite));
        programs.Add("fallocate", static call => Overwrites(call, call.Operands("lo")));
        programs.Add("find gfind", Finding.Find, Traits.OwnCheck | Traits.Exact);
        programs.Add("fd fdfind", Finding.Fd);
        programs.Add("rsync", Network.Rsync);
        programs.Add("mknod", static call => call.System($"Makes a device file: {call.Shown}"));
        programs.Add("trash trash-put gio", static call => call.Deletes(call.Operands()));
        programs.Add("sync", static _ => { }, Traits.AnyOptions);
    }

    private static bool HasTarget(Invocation call)
        => call.Args.Any(a => a.Text.StartsWith("-t", StringComparison.Ordinal) || a.Text.StartsWith("--t", StringComparison.Ordinal));

    /// <summary>A new file under a name that nothing has yet; with a template, wherever that says.</summary>
    private static void MakeTemporary(Invocation call)
    {
        if (call.Args.Count == 0 || call.Args is [{ Exact: true, Text: "-d" }])
        {
            call.Report.CannotBeUndone();
            call.Report.Add(ConsequenceKind.WritesPath, "a temporary file", "Makes a new temporary file.", RiskTier.WorkspaceWrite);
            return;
        }

        call.Writes([call.Operands().FirstOrDefault() is { } template && !call.Has("-t") ? template : new Arg("/tmp/tmp.XXXXXXXXXX")]);
    }

    private static void Copy(Invocation call)
        => CopyLike(call, call.Operands("tS", "--target-directory", "--suffix"),
            call.Values("-t", "--target-directory").Where(_ => HasTarget(call)));

    private static void CopyLike(Invocation call, List<Arg> operands, IEnumerable<Arg> targets)
    {
        List<Arg> into = [.. targets];
        if (into.Count == 0 && operands.Count > 0)
        {
            into.Add(operands[^1]);
            operands.RemoveAt(operands.Count - 1);
        }

        var recursive = call.Has("-r", "-R", "-a", "--recursive", "--archive");
        call.Reads(operands, recursive);
        if (recursive && operands.Any(o => o.Text is "." or ".." || o.Text.EndsWith("/.", StringComparison.Ordinal)))
        {
            call.Report.Unknown(call.Shown, "Copies a folder's contents with hidden files, possibly including settings and hooks.",
                tier: RiskTier.WorkspaceWrite);
        }

        Into(call, operands, into);
    }

    /// <summary>Writes the target, and below it the sources' names: it may be a folder.</summary>
    private static void Into(Invocation call, List<Arg> sources, List<Arg> targets)
    {
        foreach (var target in targets)
        {
            call.Writes(target);
            if (target.Glob)
            {
                call.Report.NotUnderstood(target.Text, $"The target {target.Text} is a pattern.");
            }

            foreach (var name in sources.Where(s => s.Known).Select(s => s.Text.TrimEnd('/')).Select(s => s[(s.LastIndexOf('/') + 1)..])
                .Where(n => n.Length > 0 && n is not ("." or "..")))
            {
                // Only told when it makes a difference: cp x/.envrc .
                var below = target with { Text = $"{target.Text.TrimEnd('/')}/{name}" };
                call.At(below, place =>
                {
                    if (Walking.PathEffects.Later(place.Path, call.Walker.Places) is not null)
                    {
                        Walking.PathEffects.Write(call.Report, call.Walker.Places, place);
                    }
                });
            }
        }
    }

    private static void Move(Invocation call)
    {
        var operands = call.Operands("tS", "--target-directory", "--suffix");
        List<Arg> into = [.. call.Values("-t", "--target-directory").Where(_ => HasTarget(call))];
        if (into.Count == 0 && operands.Count > 0)
        {
            into.Add(operands[^1]);
            operands.RemoveAt(operands.Count - 1);
        }

        var leaves = false;
        into.ForEach(t => call.At(t, p => leaves |= p.Zone != Paths.Zone.Workspace));
        foreach (var source in operands)
        {
            call.At(
                source,
                place =>
                {
                    Walking.PathEffects.Touch(call.Report, call.Walker.Places, place, source.Glob);
                    Walking.PathEffects.Write(call.Report, call.Walker.Places, place);
                    if (leaves || call.Walker.Places.HoldsWorkspace(place))
                    {
                        Walking.PathEffects.Delete(call.Report, call.Walker.Places, place);
                    }
                },
                changes: true);
        }

        Into(call, operands, into);
    }

    /// <summary>A link makes another path of the same thing; one that leads out of the workspace is a way out.</summary>
    private static void Link(Invocation call)
    {
        var operands = call.Operands("tS", "--target-directory");
        var linkAt = operands.Count > 1 ? operands[^1] : new Arg(".");
        foreach (var target in operands.Take(Math.Max(1, operands.Count - 1)))
        {
            call.At(target, place =>
            {
                Walking.PathEffects.Touch(call.Report, call.Walker.Places, place, target.Glob);
                if (place.Zone is not Paths.Zone.Workspace and not Paths.Zone.Sink)
                {
                    call.Report.Add(ConsequenceKind.WritesPath, place.Shown,
                        $"Makes {place.Shown}, outside of the workspace, reachable from inside.", RiskTier.Destructive);
                }
            });
        }

        Into(call, [.. operands.Take(Math.Max(1, operands.Count - 1))], [linkAt]);
        call.Writes(call.Values("-t", "--target-directory").Where(_ => HasTarget(call)));
    }

    private static void Overwrites(Invocation call, List<Arg> files)
    {
        call.Writes(files);
        foreach (var file in files)
        {
            call.Report.Add(ConsequenceKind.DeletesPath, file.Text, $"Cuts {file.Text} to another size; anything cut off is lost.",
                RiskTier.Destructive);
        }
    }

    private static void Dd(Invocation call)
    {
        foreach (var arg in call.Args)
        {
            if (arg.Text.StartsWith("if=", StringComparison.Ordinal))
            {
                call.Reads(arg with { Text = arg.Text[3..] });
            }
            else if (arg.Text.StartsWith("of=", StringComparison.Ordinal))
            {
                call.Writes(arg with { Text = arg.Text[3..] });
                call.Report.CannotBeUndone();
                call.Report.Add(ConsequenceKind.DeletesPath, arg.Text[3..], $"Overwrites {arg.Text[3..]} with raw bytes.",
                    RiskTier.Destructive);
            }
        }
    }

    private static void Rights(Invocation call)
    {
        var recursive = call.Has("-R", "--recursive");
        var operands = call.Operands("mxMXgut", "--reference");
        var mode = operands.Count > 0 ? operands[0].Text : "";
        var files = call.Name is "setfacl" ? operands : [.. operands.Skip(call.Has("--reference") ? 0 : 1)];
        var plain = call.Name == "chmod" && !recursive
            && mode is "+x" or "u+x" or "a+x" or "755" or "0755" or "644" or "0644" or "600" or "700" or "+r" or "-x" or "u+w" or "+w";
        foreach (var file in files)
        {
            call.At(
                file,
                place =>
                {
                    var inside = place.Zone is Paths.Zone.Workspace or Paths.Zone.Temporary;
                    call.Report.Add(
                        ConsequenceKind.ChangesRights,
                        place.Shown,
                        $"Changes owner or permissions of {place.Shown}{(recursive ? " and everything below it" : "")}{(inside ? "" : ", outside of the workspace")}.",
                        plain && inside ? RiskTier.WorkspaceWrite : RiskTier.Destructive);
                    if (!plain || place.Zone != Paths.Zone.Workspace)
                    {
                        call.Report.CannotBeUndone();
                    }
                },
                changes: true);
        }

        if (files.Count == 0)
        {
            call.Report.Raise(RiskTier.Destructive);
        }

        if (call.Name == "chmod" && (mode.Contains('s', StringComparison.Ordinal) || (mode.Length == 4 && mode[0] is >= '2' and <= '7')))
        {
            call.Privilege($"Makes a program run with its owner's privileges: {call.Shown}");
        }
    }
}
