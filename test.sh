#!/usr/bin/env bash
# Runs every test: ./test.sh            all of them
#                  ./test.sh --quick    without the slow ones (real agents, Chromium, crashes): under two minutes
#                  ./test.sh NAME…      only test projects whose name contains NAME
# The last line is always "N passed, N failed" (and ", N skipped" when some were).
set -uo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$ROOT"
. eng/lib.sh
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 TESTINGPLATFORM_TELEMETRY_OPTOUT=1

quick= only=()
for argument in "$@"; do
  case "$argument" in
    --quick) quick=1 ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    -*) die "unknown option $argument (see ./test.sh --help)" ;;
    *) only+=("$argument") ;;
  esac
done

passed=0 failed=0 skipped=0 broken=()
results="$(mktemp -d)"
finish() {
  rm -rf "$results"
  if [ ${#broken[@]} -gt 0 ]; then printf '\nFailed: %s\n' "${broken[*]}"; fi
  local line="$passed passed, $failed failed"
  [ "$skipped" -gt 0 ] && line="$line, $skipped skipped"
  printf '%s\n' "$line"
  [ "$failed" -eq 0 ]
  exit $?
}
fail() { failed=$((failed + 1)); broken+=("$1"); }
wanted() { [ ${#only[@]} -eq 0 ] && return 0; local n; for n in "${only[@]}"; do case "$1" in *"$n"*) return 0 ;; esac; done; return 1; }

ensure_runtime
ensure_dotnet
ensure_node
apt_install openssl procps util-linux
[ -n "$quick" ] || { have chromium || have chromium-browser || apt_install chromium; }

if wanted app; then
  say "== app"
  if (cd app && npm ci --no-audit --no-fund --loglevel=error >&2 && npm run --silent check) >"$results/app-check" 2>&1; then :; else cat "$results/app-check"; fail "app: types"; fi
  (cd app && npm test --silent -- --reporter=json --outputFile="$results/app.json") >"$results/app-out" 2>&1 || true
  counts="$(node -e '
    const r = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    const crashed = r.testResults.filter(f => f.status === "failed" && f.assertionResults.length === 0).length;
    console.log(r.numPassedTests, r.numFailedTests + crashed, r.numPendingTests + (r.numTodoTests ?? 0));' "$results/app.json" 2>/dev/null)" || counts="0 1 0"
  read -r p f s <<<"$counts"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  say "   $p passed, $f failed"
  if [ "$f" -gt 0 ] || [ "$p" -eq 0 ]; then tail -n 80 "$results/app-out"; broken+=("app"); [ "$p" -gt 0 ] || [ "$f" -gt 0 ] || failed=$((failed + 1)); fi
fi

build_app
if wanted app; then
  if (cd app && npm run --silent size) >"$results/size" 2>&1; then passed=$((passed + 1)); say "   $(tail -n 1 "$results/size")"; else cat "$results/size"; fail "app: size"; fi
fi

say "== build"
if ! dotnet build PocketCoder.slnx -c Release --nologo -v quiet -clp:NoSummary >"$results/build" 2>&1; then
  grep -E "error|warning" "$results/build" | sort -u | head -40
  fail "build"
  finish
fi

for project in tests/PocketCoder.*.Tests; do
  name="$(basename "$project")"
  wanted "$name" || continue
  [ -n "$quick" ] && [ "$name" = PocketCoder.EndToEnd.Tests ] && continue
  say "== $name"
  arguments=(--no-progress --results-directory "$results/$name" --report-ctrf --report-ctrf-filename result.json)
  [ -n "$quick" ] && arguments+=(--filter-not-trait "Category=Slow")
  started=$SECONDS
  # A test program that hangs is killed; that counts as a failure, like a crash or a run without any test.
  timeout --kill-after=20 1200 "artifacts/bin/$name/release/$name" "${arguments[@]}" >"$results/$name.out" 2>&1
  code=$?
  counts="$(node -e 'const s = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).results.summary;
    console.log(s.passed, s.failed, s.tests - s.passed - s.failed)' "$results/$name/result.json" 2>/dev/null)" || counts="0 0 0"
  read -r p f s <<<"$counts"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  say "   $p passed, $f failed, $s skipped ($((SECONDS - started)) s)"
  if [ "$f" -gt 0 ]; then
    broken+=("$name")
    grep -v -E '^\s*$|^\[\+' "$results/$name.out" | tail -n 200
  elif [ "$code" -ne 0 ] || [ "$p" -eq 0 ]; then
    say "   ended with code $code"
    tail -n 60 "$results/$name.out"
    fail "$name (code $code)"
  fi
done
finish
