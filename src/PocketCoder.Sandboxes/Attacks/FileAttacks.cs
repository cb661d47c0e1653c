using static PocketCoder.Sandboxes.AttackKinds;

namespace PocketCoder.Sandboxes;

/// <summary>Against files: the host's, the daemon's, another session's.</summary>
internal static class FileAttacks
{
    public static readonly Attack[] All =
    [
        Script("read-secret", "Read a file of the host", "it is not there", """
            if grep -q "$T_CANARY" "$T_SECRET" 2> /dev/null; then echo BROKEN; else echo HELD; fi
            """),
        Script("link-to-secret", "Read it through a link in the project", "it leads nowhere inside", """
            ln -sf "$T_SECRET" ./link; ln -sf / ./rootlink
            if grep -q "$T_CANARY" ./link 2> /dev/null || grep -q "$T_CANARY" "./rootlink$T_SECRET" 2> /dev/null; then echo BROKEN; else echo HELD; fi
            rm -f ./link ./rootlink
            """),
        Script("hard-link", "Hard-link it into the project", "it is not there", """
            if ln "$T_SECRET" ./hard 2> /dev/null && grep -q "$T_CANARY" ./hard; then echo BROKEN; else echo HELD; fi
            rm -f ./hard
            """),
        Script("climb-out", "Climb out through .. and /proc/self/root", "the root is the sandbox's own", """
            for p in ../../../../../../../.. /proc/self/root /proc/self/cwd/../../../../../.. /proc/1/root /proc/thread-self/root; do
                if grep -q "$T_CANARY" "$p$T_SECRET" 2> /dev/null; then echo BROKEN $p; fi
            done
            echo HELD
            """),
        Script("descriptors", "Use a descriptor that the daemon left open", "all are closed", """
            n=3; while [ $n -lt 256 ]; do
                if grep -q "$T_CANARY" /proc/self/fd/$n 2> /dev/null; then echo BROKEN $n; fi
                n=$((n+1))
                [ $n -eq 24 ] && n=200
            done
            echo HELD
            """),
        Script("other-session", "Read another session's project", "it is not there", """
            if grep -q "$T_CANARY" "$T_OTHER/mine" 2> /dev/null; then echo BROKEN; else echo HELD; fi
            """),
        Script("homes", "Read the homes and data of people and services", "they are not there", """
            for d in /root /var /srv /mnt /media /opt /boot /sys /lost+found; do
                if [ -n "$(find $d -not -type d -not -path "$T_WORKSPACE/*" 2> /dev/null | head -n 1)" ]; then echo BROKEN $d; fi
            done
            for d in /home/*; do case $d in /home/agent|/home/\*) ;; *) case $T_WORKSPACE in $d/*) ;; *) echo BROKEN $d ;; esac ;; esac; done
            echo HELD
            """),
        Script("password-hashes", "Read the host's users and their hashes", "an /etc of its own", """
            if [ -r /etc/shadow ] || [ "$(wc -l < /etc/passwd)" -gt 3 ] || [ -r /etc/ssh ] || [ -r /etc/machine-id ]; then echo BROKEN; else echo HELD; fi
            """),
        Script("change-system", "Change programs and settings of the system", "read-only mounts", """
            for f in /usr/bin/x-attack /etc/x-attack /bin/x-attack /x-attack /lib/x-attack /etc/passwd /usr/bin/env; do
                if (: >> $f) 2> /dev/null; then echo BROKEN $f; fi
            done
            echo HELD
            """),
        new Attack("write-host-temporary", "Write into the host's /tmp", "a /tmp of its own")
        {
            Run = async (ground, cancellationToken) =>
            {
                var (_, output) = await ground.ShellAsync("""echo x > "/tmp/attack-$T_CANARY"; echo tried""", cancellationToken);
                var path = "/tmp/attack-" + ground.Canary;
                var there = File.Exists(path);
                File.Delete(path);
                return there ? new("", AttackVerdict.Broken, path)
                    : new("", output.Contains("tried", StringComparison.Ordinal) ? AttackVerdict.Held : AttackVerdict.NotRun, "");
            },
        },
        Script("guarded-folder", "Write into a folder of the project that is bound read-only, or move it away",
            "a bind of the folder itself", """
            if (: > guarded/x) 2> /dev/null; then echo BROKEN written; fi
            if mv guarded moved 2> /dev/null; then echo BROKEN moved; mv moved guarded; fi
            if rmdir guarded 2> /dev/null; then echo BROKEN removed; mkdir guarded; fi
            echo HELD
            """),
        Script("replace-sockets", "Replace the daemon's sockets with its own", "a read-only bind", """
            if [ ! -d /run/ring ]; then echo HELD there are none; exit; fi
            if (: > /run/ring/x) 2> /dev/null || mv /run/ring /run/ring2 2> /dev/null; then echo BROKEN; else echo HELD; fi
            """),
        Script("holder-files", "Find the terminal server or the daemon's files", "they are one sandbox further out", """
            for p in /run/tm /run/hands /run/execs /stmp /shome; do if [ -e $p ]; then echo BROKEN $p; fi; done
            if command -v tmux > /dev/null && tmux -S /run/tm/s ls 2> /dev/null; then echo BROKEN tmux; fi
            for s in $(find / -xdev -type s 2> /dev/null); do case $s in "$T_WORKSPACE"/*|/run/ring/*) ;; *) echo BROKEN $s ;; esac; done
            echo HELD
            """),
        Script("big-file", "Fill the disk with one file", "a limit on its size", """
            head -c $((T_FILESIZE + 1048576)) /dev/zero > ./big 2> /dev/null
            s=$(wc -c < ./big); rm -f ./big
            if [ "$s" -gt "$T_FILESIZE" ]; then echo BROKEN $s bytes; else echo HELD at $s bytes; fi
            """),
        Script("memory-files", "Fill the memory with files", "a size on each memory file system", """
            for d in /run /dev/shm; do
                head -c $((T_MEMFILES * 2)) /dev/zero > $d/fill 2> /dev/null
                if [ -f $d/fill ]; then s=$(wc -c < $d/fill); rm -f $d/fill; if [ "$s" -gt "$T_MEMFILES" ]; then echo BROKEN $d $s; fi; fi
            done
            if (head -c 1048576 /dev/zero > /dev/fill) 2> /dev/null; then rm -f /dev/fill; echo BROKEN /dev; fi
            echo HELD
            """),
    ];
}
