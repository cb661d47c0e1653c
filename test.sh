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

results=$(mktemp -d)
workers=()
# end_all PID : that process and everything it started
end_all() {
    local child
    for child in $(pgrep -P "$1"); do end_all "$child"; done
    kill "$1" 2> /dev/null
}
trap 'for worker in "${workers[@]}"; do end_all "$worker"; done; rm -rf "$results"' EXIT

# Several things run at once, so what is found is kept in files and added up at the end. A line of NAME.found: "passed failed skipped"; of NAME.bad: one that failed.
# found NAME PASSED FAILED SKIPPED
found() { printf '%s %s %s\n' "$2" "$3" "$4" >> "$results/$1.found"; }

# broken NAME WHAT : something that is no test went wrong; it counts as a failed one
broken() {
    found "$1" 0 1 0
    printf '%s\n' "$2" >> "$results/$1.bad"
}

finish() {
    local passed=0 failed=0 skipped=0 line p f s
    while read -r p f s; do passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s)); done < <(cat "$results"/*.found 2> /dev/null)
    if compgen -G "$results/*.bad" > /dev/null; then
        printf '\nFailed:\n'
        cat "$results"/*.bad | sed 's/^/  /'
        printf '\n'
    fi
    line="$passed passed, $failed failed"
    if [ "$skipped" -gt 0 ]; then line="$line, $skipped skipped"; fi
    printf '%s\n' "$line"
    [ "$failed" -eq 0 ]
    exit
}

wanted() {
    local name
    [ ${#only[@]} -eq 0 ] && return 0
    for name in "${only[@]}"; do case "$1" in *"$name"*) return 0 ;; esac; done
    return 1
}

# one NAME COMMAND… : runs it and says in one piece, when it is over, what it said
one() {
    local name=$1 said started=$SECONDS
    shift
    say "-- $name"
    said=$("$@" 2>&1 < /dev/null)
    {
        flock 9
        say "== $name ($((SECONDS - started)) s)"
        if [ -n "$said" ]; then say "$said"; fi
    } 9> "$results/telling"
}

# count NAME REPORT : takes over the numbers of a report, {passed, failed, skipped, names of what failed}
count() {
    local p=0 f=0 s=0 name
    {
        read -r p f s
        while IFS= read -r name; do printf '%s: %s\n' "$1" "$name" >> "$results/$1.bad"; done
    } < "$2"
    found "$1" "$p" "$f" "$s"
    echo "   $p passed, $f failed, $s skipped"
    [ "$f" -eq 0 ] && [ "$p" -gt 0 ]
}

# sshd is for git's tests, the engine for Docker sandboxes (the tests start one of their own, in its own namespaces). Where a service manager runs,
# installing them would open a port and start a service of this machine: then those tests say that they were skipped.
# Every step stands in the log even when the machine is short of a tool: what can't be installed is a failure, not a surprise later.
services() { [ -d /run/systemd/system ] || need_packages "$@"; }
for_slow_tests() { { command -v chromium > /dev/null || need_packages chromium; } && need_packages ripgrep zsh fish && services docker.io && other_browser; }
# Debian has this one, Ubuntu has not: without it the app is not tried in Firefox, and that is said.
other_browser() { command -v firefox-esr > /dev/null || (need_packages firefox-esr) || say "Firefox can't be installed here; what needs it is skipped."; }
(need_packages ca-certificates git libsqlite3-0 tmux bubblewrap socat openssl procps util-linux && services openssh-server && { [ -n "$quick" ] || for_slow_tests; }) \
    || { broken packages "packages of the distribution are missing"; finish; }
need_dotnet
need_node

# left_behind : sandboxes that nobody owns any more: their first processes and their mounts
left_behind() { echo "$(pgrep -fc '/run/hands/holder\.sh' || true) processes, $(grep -c '/own/workspace ' /proc/self/mounts || true) mounts"; }
before=$(left_behind)

build() {
    if ! build_dotnet build PocketCoder.slnx -c Release --nologo -v quiet -clp:NoSummary -p:RestoreLockedMode=true > "$results/build" 2>&1; then
        grep -E "error|warning" "$results/build" | sort -u | head -40
        broken build "build"
    fi
}

app() {
    (cd app && timeout --kill-after=10 300 npx --no-install vitest run --reporter=json --outputFile="$results/app.json") > "$results/app-out" 2>&1
    node -e '
        const r = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")), names = [];
        for (const f of r.testResults) {
            if (f.status === "failed" && f.assertionResults.length === 0) names.push(f.name.split("/").pop() + " did not run");
            for (const t of f.assertionResults) if (t.status === "failed") names.push(t.fullName.replaceAll("\n", " "));
        }
        console.log([r.numPassedTests, names.length, r.numPendingTests + (r.numTodoTests ?? 0)].join(" "));
        for (const name of names) console.log(name);' "$results/app.json" > "$results/app-counts" 2> /dev/null || printf '0 1 0\nvitest did not run\n' > "$results/app-counts"
    count app "$results/app-counts" || tail -n 100 "$results/app-out"
}

# app_step NAME SCRIPT : a script of package.json that passes or does not
app_step() {
    if (cd app && npm run --silent "$2") > "$results/$1" 2>&1; then
        found "$1" 1 0 0
        echo "   $(tail -n 1 "$results/$1")"
    else
        cat "$results/$1"
        broken "$1" "app: $2"
    fi
}

# In Chromium on a mock machine: the app under the gateway's policy, what a person does, every screen in every size and theme with axe-core.
app_script() {
    local line
    (cd app && MOCK_APP="$results/mock-app" timeout --kill-after=10 900 npm run --silent "$1") > "$results/$1" 2>&1
    line=$(tail -n 1 "$results/$1")
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]} 0" > "$results/$1.counts"
        count "app-$1" "$results/$1.counts" || { grep -v '^ok ' "$results/$1" | tail -n 60; printf 'app-%s\n' "$1" >> "$results/app-$1.bad"; }
    else
        tail -n 60 "$results/$1"
        broken "app-$1" "app-$1 did not run to its end"
    fi
}

# The same app in another browser, where there is one.
in_firefox() {
    if command -v firefox-esr > /dev/null; then app_script firefox; else found app-firefox 0 0 1; echo "   0 passed, 0 failed, 1 skipped"; fi
}

# project NAME : one test project. What hangs is killed; that counts as a failure, like a crash or a run without any test.
project() {
    local name=$1 code arguments=(--no-progress --max-threads 2 --results-directory "$results/$1" --report-ctrf --report-ctrf-filename result.json)
    if [ -n "$quick" ]; then arguments+=(--filter-not-trait Category=Slow); fi
    timeout --kill-after=20 2400 "artifacts/bin/$name/release/$name" "${arguments[@]}" > "$results/$name.out" 2>&1
    code=$?
    node -e '
        const r = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")).results, s = r.summary;
        console.log([s.passed, s.failed, s.tests - s.passed - s.failed].join(" "));
        for (const t of r.tests) if (t.status === "failed") console.log(t.name.replaceAll("\n", " "));' "$results/$name/result.json" > "$results/$name.counts" 2> /dev/null || echo "0 0 0" > "$results/$name.counts"
    if ! count "$name" "$results/$name.counts" || [ "$code" -ne 0 ]; then
        grep -v -E '^\s*$|^\[\+' "$results/$name.out" | tail -n 250
        if ! grep -q -E '^[0-9]+ [1-9]' "$results/$name.counts"; then broken "$name" "$name ended with code $code"; fi
    fi
}

# Two lanes, because no test uses two processors all the time: the build in one, the app in the other; then the test projects in both, those that take longest first.
projects=()
for name in Cli Machine Agents EndToEnd Risk Sandboxes; do projects+=("PocketCoder.$name.Tests"); done
for folder in tests/PocketCoder.*.Tests; do
    name=${folder#tests/}
    case " ${projects[*]} " in *" $name "*) ;; *) projects+=("$name") ;; esac
done

# Whether there is something to test: both builds succeeded.
all_built() { [ ! -s "$results/build.bad" ] && [ ! -s "$results/app-build.bad" ]; }

# next : the number of the next project; each is given out once
echo 0 > "$results/next"
next() { (flock 9 && number=$(cat "$results/next") && echo $((number + 1)) > "$results/next" && echo "$number") 9> "$results/taking"; }

# due NAME : whether that project is part of this run
due() { wanted "$1" && { [ -z "$quick" ] || [ "$1" != PocketCoder.EndToEnd.Tests ]; }; }

run_projects() {
    local number name
    while number=$(next) && [ "$number" -lt ${#projects[@]} ]; do
        name=${projects[$number]}
        if due "$name"; then one "$name" project "$name"; fi
    done
}

build_and_test() {
    one build build
    touch "$results/built"
    until [ -e "$results/app-built" ]; do sleep 0.2; done
    if all_built; then run_projects; fi
}

app_and_test() {
    local script
    one "app (building)" build_the_app
    touch "$results/app-built"
    if [ -s "$results/app-build.bad" ]; then return; fi
    if wanted app; then
        one "app (types)" app_step app-types check
        one app app
        one "app (size)" app_step app-size size
    fi
    for script in policy walk stories; do
        if [ -z "$quick" ] && wanted "app-$script"; then one "app-$script" app_script "$script"; fi
    done
    if [ -z "$quick" ] && wanted app-firefox; then one app-firefox in_firefox; fi
    until [ -e "$results/built" ]; do sleep 0.2; done
    if all_built; then run_projects; fi
}

build_the_app() { (install_app_packages && build_app) || broken app-build "app: build"; }

build_and_test &
workers=($!)
app_and_test &
workers+=($!)
wait "${workers[@]}"
workers=()

# A lane that ended early must not look like success.
if all_built; then
    for name in "${projects[@]}"; do
        if due "$name" && [ ! -s "$results/$name.found" ]; then broken "$name" "$name did not run"; fi
    done
    for name in app app-policy app-walk app-stories app-firefox; do
        if wanted "$name" && { [ -z "$quick" ] || [ "$name" = app ]; } && [ ! -s "$results/$name.found" ]; then broken "$name" "$name did not run"; fi
    done
fi

# Only where nothing else runs: beside another run these are its own.
if [ -n "${CI:-}" ] && [ ${#only[@]} -eq 0 ] && [ "$(left_behind)" != "$before" ]; then broken sandboxes "sandboxes left behind: $(left_behind), before: $before"; fi
finish
