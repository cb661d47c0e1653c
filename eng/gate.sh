#!/usr/bin/env bash
# Decides whether the committed HEAD may become main: does what CI does, .ci/run in a fresh clone, with nothing taken along.
#   eng/gate.sh            run it; a green run sets refs/gate/green to that commit
#   eng/gate.sh --status   which commit was green last, and what has come since
# Each run is a line in the repository's gate.log (in .git); what the last one printed is gate.out beside it. Ends with the code of the run.
set -uo pipefail
top=$(git -C "$(dirname "$(readlink -f "$0")")" rev-parse --show-toplevel) || exit 2
cd "$top" || exit 2
records=$(git rev-parse --path-format=absolute --git-common-dir)

case "${1:-}" in
    '') ;;
    --status)
        if green=$(git rev-parse -q --verify refs/gate/green); then
            echo "green: $(git log -1 --format='%h %cr %s' "$green")"
            echo "since then: $(git rev-list --count "$green"..HEAD) commits, $(git status --porcelain | wc -l) files not committed"
        else
            echo "no commit has been green here yet"
        fi
        exit 0 ;;
    -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "Unknown option $1. See: eng/gate.sh --help" >&2; exit 2 ;;
esac

if [ -n "$(git status --porcelain)" ]; then echo "What is not committed is not part of this run." >&2; fi
commit=$(git rev-parse HEAD)
place=$(mktemp -d) || exit 2
trap 'rm -rf "$place"' EXIT
chmod 755 "$place" # what runs in sandboxes is another user, who must be able to read the agent programs
git clone -q --no-local "$top" "$place/clone" && git -C "$place/clone" checkout -q --detach "$commit" || exit 2

began=$SECONDS load=$(cut -d ' ' -f 1 /proc/loadavg)
(cd "$place/clone" && CI=true timeout --kill-after=30 5400 bash .ci/run < /dev/null) > "$records/gate.out" 2>&1
code=$?

# The names under "Flaky:", as the run lists them.
flaky=$(sed -n '/^Flaky:$/,/^$/s/^  \(.*\) ([0-9.]* s):.*/\1/p' "$records/gate.out" | paste -sd ';' | sed 's/;/; /g')
line="$(date -u +%FT%TZ) commit ${commit:0:12} tree $(git rev-parse --short=12 "$commit^{tree}") exit $code, $(((SECONDS - began) / 60)) min, load before $load: $(tail -n 1 "$records/gate.out"); flaky: ${flaky:-none}"
echo "$line" | tee -a "$records/gate.log"
if [ "$code" -eq 0 ]; then git update-ref refs/gate/green "$commit"; else sed -n '/^Failed:$/,$p' "$records/gate.out"; fi
exit "$code"
