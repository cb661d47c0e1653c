using static PocketCoder.Sandboxes.AttackKinds;

namespace PocketCoder.Sandboxes;

/// <summary>Against processes: the host's, the daemon's, and by number.</summary>
internal static class ProcessAttacks
{
    public static readonly Attack[] All =
    [
        Script("see-processes", "See processes of the host", "a process namespace of its own", """
            for p in /proc/[0-9]*; do
                if tr '\0' ' ' < $p/cmdline 2> /dev/null | grep -q "victim-$T_CANARY"; then echo BROKEN $p; fi
            done
            echo HELD
            """),
        new Attack("kill-process", "Kill a process of the host", "a process namespace of its own")
        {
            Run = async (ground, cancellationToken) =>
            {
                // Whatever bears that number inside is the attacker's own: only what happens to the one outside counts.
                var (_, output) = await ground.ShellAsync("""
                    if [ "$T_PID" != $$ ]; then kill -0 "$T_PID" 2> /dev/null && [ "$(tr '\0' ' ' < /proc/$T_PID/cmdline)" != "" ] && kill -9 "$T_PID" && echo sent; fi; echo tried
                    """, cancellationToken);
                if (output.Contains("sent", StringComparison.Ordinal))
                {
                    await ground.VictimMayEndAsync(cancellationToken); // a busy machine needs a moment for what a signal does
                }

                return ground.VictimLives && output.Contains("tried", StringComparison.Ordinal)
                    ? new("", AttackVerdict.Held, "")
                    : new("", ground.VictimLives ? AttackVerdict.NotRun : AttackVerdict.Broken, output);
            },
        },
        Script("environments", "Read the daemon's environment", "it is started with an empty one", """
            for p in /proc/[0-9]*; do
                [ $p = /proc/$$ ] && continue
                if tr '\0' '\n' < $p/environ 2> /dev/null | grep -q "^ATTACK_CANARY=$T_CANARY"; then echo BROKEN $p; fi
            done
            if [ "${ATTACK_CANARY:-}" = "$T_CANARY" ]; then echo BROKEN inherited; fi
            echo HELD
            """),
        Script("command-lines", "Learn host paths from command lines", "options in a file", """
            for p in /proc/[0-9]*; do
                case ${p#/proc/} in $$) continue ;; esac
                if [ "$(readlink $p/exe 2> /dev/null)" = /usr/bin/bwrap ] || [ $p = /proc/1 ]; then
                    if tr '\0' '\n' < $p/cmdline | grep -q "^$T_FOLDER"; then echo BROKEN $p; fi
                fi
            done
            echo HELD
            """),
        Script("memory-of-init", "Read the memory of the first process", "it is not ours to trace", """
            if head -c 1 /proc/1/mem > /dev/null 2>&1 || dd if=/proc/1/mem of=/dev/null bs=1 count=1 skip=4194304 2> /dev/null; then echo BROKEN; else echo HELD; fi
            """),
        Script("processes-without-end", "Start processes until the machine stalls", "a limit on their number", """
            command -v perl > /dev/null || exit
            perl -e 'my @c; my $n = 0; while ($n < 4 * $ENV{T_PROCESSES}) { my $p = fork(); last unless defined $p; if (!$p) { sleep 60; exit } push @c, $p; $n++ } print $n >= $ENV{T_PROCESSES} ? "BROKEN" : "HELD", " at $n\n"; kill 9, @c;'
            """),
        Bomb("memory-without-end", "Take all memory", "a control group, or the watch over memory", """
            command -v perl > /dev/null || exit
            r=$(perl -e '$| = 1; my @m; for (1 .. 32) { push @m, "x" x ($ENV{T_MEMORY} / 16); } sleep 15; print "survived";' 2> /dev/null)
            if [ "$r" = survived ]; then echo BROKEN; else echo HELD; fi
            """),
        Bomb("memory-of-many", "Take all memory with many small processes", "a control group, or the watch over memory", """
            command -v perl > /dev/null || exit
            r=$(perl -e 'my @c; for (1 .. 32) { my $p = fork(); die unless defined $p; if (!$p) { my $m = "x" x ($ENV{T_MEMORY} / 16); sleep 60; exit length $m } push @c, $p; } sleep 15; print waitpid(-1, 1) == 0 ? "survived" : ""; kill 9, @c;' 2> /dev/null)
            if [ "$r" = survived ]; then echo BROKEN; else echo HELD; fi
            """),
        Bomb("nameless-files", "Take all memory with an unmapped anonymous file (memfd)", "a control group, or the watch over memory", """
            command -v perl > /dev/null || exit
            r=$(perl -e 'use Config; my $n = "x"; my $d = syscall($Config{archname} =~ /^x86_64/ ? 319 : 279, $n, 0); exit if $d < 0; open(F, ">&=", $d) or exit; for (1 .. 32) { syswrite(F, "x" x ($ENV{T_MEMORY} / 16)) or exit; } sleep 15; print "survived";' 2> /dev/null)
            if [ "$r" = survived ]; then echo BROKEN; else echo HELD; fi
            """),
        Bomb("growth-without-end", "Fill the disk with many small files", "the watch over the project's growth", """
            mkdir -p bomb && for i in 1 2 3 4 5 6 7 8; do head -c $((T_GROWTH / 4)) /dev/zero > bomb/$i; done; sleep 60; echo BROKEN
            """, "bomb") with { NeedsWatch = true },
        Bomb("files-without-end", "Use up the file system's inodes", "the watch over the number of files", """
            command -v perl > /dev/null || exit
            mkdir -p bomb && perl -e 'for (1 .. 2 * $ENV{T_FILES}) { open(my $f, ">", "bomb/$_") or exit } sleep 60; print "BROKEN\n"'
            """, "bomb") with { NeedsWatch = true },
        new Attack("outlive-command", "Leave a process running after the command", "it ends with the command's own sandbox")
        {
            Run = async (ground, cancellationToken) =>
            {
                const string leave = """
                    setsid sh -c 'trap "" HUP TERM INT; while :; do echo x >> beats; sleep 0.05; done' < /dev/null > /dev/null 2>&1 &
                    n=0; while [ ! -s beats ] && [ $n -lt 200 ]; do sleep 0.05; n=$((n+1)); done; [ -s beats ] && echo beating
                    """;
                const string look =
                    """a=$(wc -c < beats); sleep 0.4; b=$(wc -c < beats); rm -f beats; if [ "$a" = "$b" ]; then echo HELD; else echo BROKEN; fi""";
                var (_, left) = await ground.ShellAsync(leave, cancellationToken);
                if (!left.Contains("beating", StringComparison.Ordinal))
                {
                    return new("", AttackVerdict.NotRun, "It did not start: " + left);
                }

                var (_, output) = await ground.ShellAsync(look, cancellationToken);
                return Judge(output);
            },
        },
    ];
}
