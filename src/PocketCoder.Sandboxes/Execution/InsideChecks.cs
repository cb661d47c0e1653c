namespace PocketCoder.Sandboxes;

/// <summary>One thing that was looked at from inside a sandbox.</summary>
internal sealed record InsideCheck(string Name, bool Holds, string Seen);

/// <summary>Looks from inside a sandbox, with nothing but a shell and /proc, at what the sandbox promises.</summary>
internal static class InsideChecks
{
    private const int FewProcesses = 8;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <summary>Fixed. Prints "name value" lines.</summary>
    private const string Look = """
        while read -r name value; do
            case $name in
                Uid:) echo "user ${value%%[!0-9]*}" ;;
                CapEff:) echo "capabilities $value" ;;
                NoNewPrivs:) echo "no-new-privileges $value" ;;
                Seccomp:) echo "seccomp $value" ;;
            esac
        done < /proc/self/status
        while read -r outside inside count; do echo "user-map $inside"; break; done < /proc/self/uid_map
        devices=
        while IFS=: read -r name rest; do case $name in *\|*) ;; *) devices="$devices${name##* }," ;; esac; done < /proc/self/net/dev
        echo "network $devices"
        n=0; for p in /proc/[0-9]*; do n=$((n+1)); done; echo "processes $n"
        if (: >> /proc/sys/kernel/core_pattern) 2> /dev/null; then echo "core-pattern writable"; else echo "core-pattern protected"; fi
        v=; for f in /proc/self/fd/*; do case ${f##*/} in 0|1|2) ;; *) if [ -e "$f" ]; then v="$v${f##*/},"; fi ;; esac; done; echo "descriptors $v"
        if unshare -U true 2> /dev/null; then echo "namespaces allowed"; else echo "namespaces refused"; fi
        if (: > /usr/pocketcoder-probe) 2> /dev/null; then echo "system writable"; else echo "system protected"; fi
        e=; for v in $(tr '\0\n' '\n_' < /proc/1/environ 2> /dev/null); do e="$e${v%%=*},"; done; echo "init-environment $e"
        if (: > ./.pocketcoder-probe) 2> /dev/null; then rm -f ./.pocketcoder-probe; echo "workspace writable"; else echo "workspace protected"; fi
        """;

    /// <summary>Puts what was seen into a probe.</summary>
    /// <returns>Whether all of it holds.</returns>
    public static bool Judge(IReadOnlyList<InsideCheck> found, IDictionary<string, string> facts, List<string> reasons)
    {
        foreach (var check in found)
        {
            facts["inside." + check.Name] = check.Seen;
        }

        reasons.AddRange(found.Where(c => !c.Holds).Select(c => $"Not isolated: {c.Name} is {c.Seen}."));
        return found.All(c => c.Holds);
    }

    public static async Task<IReadOnlyList<InsideCheck>> RunAsync(
        ISandbox sandbox, bool hasFilter, bool hasOwnNamespaces, CancellationToken cancellationToken)
    {
        await using var exec = await sandbox.ExecAsync(
            new ExecSpec { Command = ["/bin/sh", "-c", Look], TimeLimit = s_limit }, cancellationToken);
        var spool = CommandSpool.Start(exec);
        var outcome = await spool.Completed;
        if (outcome is not { End: ExecEnd.Exited, ExitCode: 0 })
        {
            throw new SandboxException(SandboxError.StartFailed, $"A command inside ended with {outcome.ExitCode}: {spool.Text.Trim()}");
        }

        var seen = spool.StandardOutputText.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => l.Split(' ', 2))
            .GroupBy(p => p[0], StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Last().ElementAtOrDefault(1)?.Trim() ?? "", StringComparer.Ordinal);
        var checks = new List<InsideCheck>
        {
            Check("user", v => v is not "0"),
            Check("capabilities", v => v.Length > 0 && v.All(c => c == '0')),
            Check("no-new-privileges", v => v == "1"),
            Check("core-pattern", v => v == "protected"),
            Check("namespaces", v => v == "refused"),
            Check("system", v => v == "protected"),
            Check("workspace", v => v == "writable"),
            // the shell's own look at them
            Check("descriptors", v => v.Length == 0 || v.Split(',', StringSplitOptions.RemoveEmptyEntries).Length <= 1),
        };
        if (hasFilter)
        {
            checks.Add(Check("seccomp", v => v == "2"));
        }

        if (hasOwnNamespaces)
        {
            checks.Add(Check("network", v => v == "lo,"));
            checks.Add(Check("processes", v => int.TryParse(v, out var n) && n <= FewProcesses));
            checks.Add(Check("init-environment", v => v.Split(',', StringSplitOptions.RemoveEmptyEntries)
                .All(n => n is "PATH" or "LANG" or "SHELL" or "HOME" or "PWD" or "TERM" or "USER" or "HOSTNAME")));
        }

        return checks;

        InsideCheck Check(string name, Func<string, bool> holds)
        {
            var value = seen.GetValueOrDefault(name, "(not seen)");
            return new(name, seen.ContainsKey(name) && holds(value), value.Length == 0 ? "none" : value);
        }
    }
}
