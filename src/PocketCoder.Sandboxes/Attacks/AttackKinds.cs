using System.Globalization;
using System.Runtime.InteropServices;
using PocketCoder.Sandboxes.Seccomp;

namespace PocketCoder.Sandboxes;

/// <summary>The shapes that attacks have.</summary>
internal static class AttackKinds
{
    public const int NotPermitted = SeccompFilter.NotPermitted, NoSuchCall = SeccompFilter.NoSuchCall, NoSuchFamily =
        SeccompFilter.NoSuchFamily;

    /// <summary>A fixed script that ends with a line HELD … or BROKEN …; neither means that it could not be tried.</summary>
    public static Attack Script(string id, string title, string defence, string script) => new(id, title, defence)
    {
        Run = async (ground, cancellationToken) =>
        {
            var (_, output) = await ground.ShellAsync(script, cancellationToken);
            return Judge(output);
        },
    };

    /// <summary>
    /// One system call with harmless or senseless arguments, and the error that only the defence gives: a call that gets through to the
    /// kernel and fails there for its arguments counts as broken.
    /// </summary>
    public static Attack Call(string id, string title, SystemCall call, string arguments, params int[] held)
        => new(id, title, "the system call filter")
        {
            Run = async (ground, cancellationToken) =>
            {
                var number = call.On(RuntimeInformation.ProcessArchitecture);
                if (number < 0)
                {
                    return new("", AttackVerdict.NotRun, "There is no such call on this processor.");
                }

                var perl = string.Create(
                    CultureInfo.InvariantCulture, $"my $r = syscall({number}{arguments}); print $r < 0 ? 'errno '.($!+0) : 'done';");
                var (outcome, output) = await ground.ShellAsync(
                    $"command -v perl > /dev/null || {{ echo no perl; exit 3; }}; exec perl -e '{perl.Replace("'", "'\\''", StringComparison.Ordinal)}'",
                    cancellationToken);
                if (outcome.ExitCode == 3)
                {
                    return new("", AttackVerdict.NotRun, "There is no perl inside to make system calls with.");
                }

                var stopped = Array.Exists(held, e => output.Trim() == string.Create(CultureInfo.InvariantCulture, $"errno {e}"));
                return new("", stopped ? AttackVerdict.Held : AttackVerdict.Broken, output.Trim());
            },
        };

    /// <summary>
    /// Takes twice what it may, in a fixed script that ends with BROKEN when it has held that for a while. It holds where the kernel ends
    /// the program (the script says HELD then) or the whole command is ended for a bound.
    /// </summary>
    /// <param name="leaves">A folder of the project that it fills; removed from outside.</param>
    public static Attack Bomb(string id, string title, string defence, string script, string? leaves = null) => new(id, title, defence)
    {
        Run = async (ground, cancellationToken) =>
        {
            try
            {
                var (outcome, output) = await ground.ShellAsync(script, cancellationToken);
                return outcome.End is ExecEnd.OverLimit ? new("", AttackVerdict.Held, outcome.Why!) : Judge(output);
            }
            finally
            {
                var folder = leaves is null ? null : Path.Combine(ground.Workspace, leaves);
                if (folder is not null && new DirectoryInfo(folder) is { Exists: true, LinkTarget: null })
                {
                    Directory.Delete(folder, recursive: true);
                }
            }
        },
    };

    /// <summary>A named call of the filter's list.</summary>
    public static SystemCall Denied(string name) => SystemCalls.Denied.Concat(SystemCalls.Tracing).First(c => c.Name == name);

    public static AttackResult Judge(string output)
    {
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.FirstOrDefault(l => l.StartsWith("BROKEN", StringComparison.Ordinal)) is { } broken)
        {
            return new("", AttackVerdict.Broken, broken["BROKEN".Length..].Trim());
        }

        return lines.FirstOrDefault(l => l.StartsWith("HELD", StringComparison.Ordinal)) is { } held
            ? new("", AttackVerdict.Held, held["HELD".Length..].Trim())
            : new("", AttackVerdict.NotRun, "It gave no verdict: " + output.Trim());
    }
}
