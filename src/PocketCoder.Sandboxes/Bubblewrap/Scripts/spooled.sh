#!/bin/sh
# spooled.sh DIRECTORY SIZE PID COMMAND... : the part of spool.sh that runs as the session's user.
set -u
directory=$1 size=$2 pid=$3
shift 3
umask 077
cd "$directory" && mkfifo out err || exit 125
# A reader that is gone must not end the command: tee goes on with the file alone. At SIZE it ends, and the command gets SIGPIPE.
prlimit --fsize="$size" --core=0 tee -p -a stdout < out &
out=$!
prlimit --fsize="$size" --core=0 tee -p -a stderr < err >&2 &
err=$!
# Our own ends of the reader's pipes are closed, so that it sees the end of file as soon as both tees are through.
exec 3<&0 < /dev/null > /dev/null 2> /dev/null
nsenter --preserve-credentials -U -m -n -p -i -u -t "$pid" -- "$@" <&3 3<&- > out 2> err &
command=$!
exec 3<&-
wait "$command"
code=$?
wait "$out"
wait "$err"
rm -f out err
printf '%s\n' "$code" > exit.new && mv exit.new exit
exit "$code"
