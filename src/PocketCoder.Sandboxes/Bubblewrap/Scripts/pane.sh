#!/bin/sh
# pane.sh [SESSION EXEC COMMAND...] : inside ring one, starts ring two, where the agent's commands run. Without arguments: a shell for a terminal.
# SESSION must be this holder's (else a reused pid led us into another one). EXEC names a file with bubblewrap's options for this command, or is "-".
set -u
read -r session shell < /run/hands/session
read -r processes size files < /run/hands/limits
if [ $# -eq 0 ]; then
    set -- "$session" - "$shell"
fi
if [ "$1" != "$session" ]; then
    printf 'This is not the sandbox that was meant.\n' >&2
    exit 125
fi
exec 5< /run/hands/ring2.args 6< /run/hands/deny.bpf
if [ "$2" = - ]; then
    shift 2
    exec 4< /run/hands/begin.args
    set -- --args 4 --setenv TERM "${TERM:-tmux-256color}" -- "$@"
else
    exec 4< "/run/execs/$2" || exit 125
    shift 2
    set -- --args 4 -- "$@"
fi
# When memory runs out, the kernel takes what runs here before the daemon and the desktop.
printf '800\n' 2> /dev/null > /proc/self/oom_score_adj
exec prlimit --nproc="$processes" --fsize="$size" --nofile="$files" --core=0 bwrap --args 5 --seccomp 6 "$@"
