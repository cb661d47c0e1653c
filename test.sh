#!/usr/bin/env bash
# Runs every test:
#   ./test.sh            all of them
#   ./test.sh --quick    without the slow ones (real agents, Chromium, crashes): under two minutes
#   ./test.sh NAME…      only test projects whose name contains NAME (the app's tests are called "app")
# The last line is always "N passed, N failed", with ", N skipped" behind it when some were.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")" || exit 1
. eng/lib.sh
export TESTINGPLATFORM_TELEMETRY_OPTOUT=1

quick='' only=()
for argument in "$@"; do
    case "$argument" in
        --quick) quick=1 ;;
        -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
        -*) fail "Unknown option $argument. See: ./test.sh --help" ;;
        *) only+=("$argument") ;;
    esac
done

passed=0 failed=0 skipped=0 bad=()
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

finish() {
    if [ ${#bad[@]} -gt 0 ]; then printf '\nFailed:\n'; printf '  %s\n' "${bad[@]}"; printf '\n'; fi
    local line="$passed passed, $failed failed"
    if [ "$skipped" -gt 0 ]; then line="$line, $skipped skipped"; fi
    printf '%s\n' "$line"
    [ "$failed" -eq 0 ]
    exit
}

# broken WHAT : something that is no test went wrong; it counts as a failed one
broken() { failed=$((failed + 1)); bad+=("$1"); }

wanted() {
    local name
    [ ${#only[@]} -eq 0 ] && return 0
    for name in "${only[@]}"; do case "$1" in *"$name"*) return 0 ;; esac; done
    return 1
}

# count NAME REPORT : adds the numbers of a report, {passed, failed, skipped, names of what failed}
count() {
    local p=0 f=0 s=0 name
    { read -r p f s; while IFS= read -r name; do bad+=("$1: $name"); done; } < "$2"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    say "   $p passed, $f failed, $s skipped ($((SECONDS - started)) s)"
    [ "$f" -eq 0 ] && [ "$p" -gt 0 ]
}

# sshd is for git's tests. Where a service manager runs, installing it would open a port of this machine: then those tests say that they were skipped.
# Every step stands in the log even when the machine is short of a tool: what can't be installed is a failure, not a surprise later.
(need_packages ca-certificates git libsqlite3-0 tmux bubblewrap socat openssl procps util-linux && { [ -n "$quick" ] || command -v chromium > /dev/null || need_packages chromium; } && { [ -d /run/systemd/system ] || need_packages openssh-server; }) \
    || { broken "packages of the distribution are missing"; finish; }
need_dotnet
need_node

if wanted app; then
    say "== app"
    started=$SECONDS
    install_app_packages || { broken "app: npm ci"; finish; }
    (cd app && npm run --silent check) > "$results/app-check" 2>&1 & # on the other core
    types=$!
    (cd app && timeout --kill-after=10 300 npx --no-install vitest run --reporter=json --outputFile="$results/app.json") > "$results/app-out" 2>&1 < /dev/null
    node -e '
        const r = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")), names = [];
        for (const f of r.testResults) {
            if (f.status === "failed" && f.assertionResults.length === 0) names.push(f.name.split("/").pop() + " did not run");
            for (const t of f.assertionResults) if (t.status === "failed") names.push(t.fullName.replaceAll("\n", " "));
        }
        console.log([r.numPassedTests, names.length, r.numPendingTests + (r.numTodoTests ?? 0)].join(" "));
        for (const name of names) console.log(name);' "$results/app.json" > "$results/app-counts" 2> /dev/null || printf '0 1 0\nvitest did not run\n' > "$results/app-counts"
    if wait "$types"; then passed=$((passed + 1)); else cat "$results/app-check"; broken "app: types"; fi
    count app "$results/app-counts" || tail -n 100 "$results/app-out"
fi

(build_app) || { broken "app: build"; finish; }
if wanted app; then
    if (cd app && npm run --silent size) > "$results/size" 2>&1; then passed=$((passed + 1)); say "   $(tail -n 1 "$results/size")"; else cat "$results/size"; broken "app: size"; fi
fi

# In Chromium on a mock machine: the app under the gateway's policy, what a person does, every screen in every size and theme with axe-core.
for script in policy walk stories; do
    if [ -n "$quick" ] || ! wanted "app-$script"; then continue; fi
    say "== app-$script"
    started=$SECONDS
    (cd app && timeout --kill-after=10 600 npm run --silent "$script") > "$results/$script" 2>&1 < /dev/null
    line=$(tail -n 1 "$results/$script")
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]} 0" > "$results/$script.counts"
        count "app-$script" "$results/$script.counts" || { grep -v '^ok ' "$results/$script" | tail -n 60; bad+=("app-$script"); }
    else
        tail -n 60 "$results/$script"
        broken "app-$script did not run to its end"
    fi
done

# left_behind : sandboxes that nobody owns any more: their first processes and their mounts
left_behind() { echo "$(pgrep -fc '/run/hands/holder\.sh' || true) processes, $(grep -c '/own/workspace ' /proc/self/mounts || true) mounts"; }
before=$(left_behind)

say "== build"
started=$SECONDS
if ! build_dotnet build PocketCoder.slnx -c Release --nologo -v quiet -clp:NoSummary -p:RestoreLockedMode=true > "$results/build" 2>&1; then
    grep -E "error|warning" "$results/build" | sort -u | head -40
    broken "build"
    finish
fi
say "   $((SECONDS - started)) s"

for project in tests/PocketCoder.*.Tests; do
    name=${project#tests/}
    wanted "$name" || continue
    if [ -n "$quick" ] && [ "$name" = PocketCoder.EndToEnd.Tests ]; then continue; fi
    say "== $name"
    started=$SECONDS
    arguments=(--no-progress --max-threads 3 --results-directory "$results/$name" --report-ctrf --report-ctrf-filename result.json)
    if [ -n "$quick" ]; then arguments+=(--filter-not-trait Category=Slow); fi
    # Three at a time on two cores: most of a test is waiting for other programs.
    # A program that hangs is killed; that counts as a failure, like a crash or a run without any test.
    timeout --kill-after=20 1200 "artifacts/bin/$name/release/$name" "${arguments[@]}" > "$results/$name.out" 2>&1 < /dev/null
    code=$?
    node -e '
        const r = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")).results, s = r.summary;
        console.log([s.passed, s.failed, s.tests - s.passed - s.failed].join(" "));
        for (const t of r.tests) if (t.status === "failed") console.log(t.name.replaceAll("\n", " "));' "$results/$name/result.json" > "$results/$name.counts" 2> /dev/null || echo "0 0 0" > "$results/$name.counts"
    if ! count "$name" "$results/$name.counts" || [ "$code" -ne 0 ]; then
        grep -v -E '^\s*$|^\[\+' "$results/$name.out" | tail -n 250
        if ! grep -q -E '^[0-9]+ [1-9]' "$results/$name.counts"; then broken "$name ended with code $code"; fi
    fi
done

# Only where nothing else runs: beside another run these are its own.
if [ -n "${CI:-}" ] && [ ${#only[@]} -eq 0 ] && [ "$(left_behind)" != "$before" ]; then broken "sandboxes left behind: $(left_behind), before: $before"; fi
finish
