#!/bin/sh
# enter.sh PID UID GID [CGROUP.PROCS...] -- COMMAND...
# Runs COMMAND in ring one, which PID (its init) stands for. Runs as the daemon's user; UID "-" means: stay who we are.
set -u
pid=$1 uid=$2 gid=$3
shift 3
while [ "$1" != -- ]; do
    printf '%s\n' $$ > "$1" || exit 125
    shift
done
shift
if [ "$uid" = - ]; then
    exec env -i PATH=/usr/bin:/bin setpriv --no-new-privs \
        nsenter --preserve-credentials -U -m -n -p -i -u -t "$pid" -- "$@"
fi
exec env -i PATH=/usr/bin:/bin setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs \
    nsenter --preserve-credentials -U -m -n -p -i -u -t "$pid" -- "$@"
