#!/bin/sh
# spool.sh DIRECTORY SIZE UID GID [CGROUP.PROCS...] -- COMMAND...
# Like enter.sh (COMMAND begins with its PID), with both outputs written to DIRECTORY (the session user's) as well, up to SIZE bytes each,
# and the exit code when it is over. Goes on when whoever reads our stdout is gone.
set -u
directory=$1 size=$2 uid=$3 gid=$4
shift 4
while [ "$1" != -- ]; do
    printf '%s\n' $$ > "$1" || exit 125
    shift
done
shift
if [ "$uid" = - ]; then
    exec env -i PATH=/usr/bin:/bin setpriv --no-new-privs /bin/sh "${0%/*}/spooled.sh" "$directory" "$size" "$@"
fi
exec env -i PATH=/usr/bin:/bin setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs \
    /bin/sh "${0%/*}/spooled.sh" "$directory" "$size" "$@"
