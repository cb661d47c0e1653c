# Shared by start.sh, test.sh and eng/*.sh: finds or installs what is needed, and says what it does before it does it. Source it from the checkout's root.

DOTNET_CHANNEL=10.0
NODE_MINIMUM=20.19.0
NODE_VENDOR=22.12.0
TOOLS="${XDG_DATA_HOME:-$HOME/.local/share}/pocketcoder/tools"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export npm_config_update_notifier=false
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
# A build server that stays behind would hold memory and, in a pipe, the pipe.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# at_least VERSION MINIMUM
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
        say "  sudo $*"
        sudo "$@"
    else
        fail "This needs an administrator. Ask one to type, then run this again:
  $*"
    fi
}

# ask_for_key PROGRAM : at a terminal, takes a provider's key when none is set and no agent has a login of its own. The key is typed into
# the program, which does not show it: no shell, argument or history has it. Enter, Ctrl-D or no daemon: later.
ask_for_key() {
    local program=$1 provider set file
    if [ ! -t 0 ] || [ ! -t 2 ]; then return 0; fi
    set=$("$program" secrets list --json 2> /dev/null) || return 0
    case "$set" in *'"name":"anthropic"'* | *'"name":"openai"'* | *'"name":"google"'*) return 0 ;; esac
    if [ -n "${ANTHROPIC_API_KEY:-}${ANTHROPIC_AUTH_TOKEN:-}${CLAUDE_CODE_OAUTH_TOKEN:-}${CODEX_API_KEY:-}${OPENAI_API_KEY:-}${GEMINI_API_KEY:-}${GOOGLE_GENERATIVE_AI_API_KEY:-}" ]; then
        return 0
    fi
    for file in "$HOME/.claude/.credentials.json" "${CODEX_HOME:-$HOME/.codex}/auth.json" "$HOME/.gemini/oauth_creds.json" \
        "${XDG_DATA_HOME:-$HOME/.local/share}/opencode/auth.json" "${XDG_CONFIG_HOME:-$HOME/.config}/cursor/auth.json"; do
        if [ -s "$file" ]; then return 0; fi
    done
    say "No key of a model provider is set, and no agent here has a login of its own."
    while true; do
        printf 'Provider whose key you have (anthropic, openai or google; Enter for later): ' >&2
        if ! IFS= read -r provider; then
            say ""
            provider=
        fi
        case "$provider" in
            "") break ;;
            anthropic | openai | google)
                if "$program" secrets set "$provider"; then return 0; fi
                break
                ;;
            *) say "That is none of them." ;; # not shown again: it may be a key
        esac
    done
    say "Later: pocketcoder secrets set anthropic (or openai, google)"
}

# three_times WHAT COMMAND… : for what is fetched: up to three tries with a pause, since a registry may be away for a moment
three_times() {
    local what=$1 try
    shift
    for try in 1 2 3; do
        if "$@"; then return 0; fi
        if [ "$try" -lt 3 ]; then
            say "$what did not succeed; trying again in $((try * 10)) s."
            sleep $((try * 10))
        fi
    done
    say "$what did not succeed in three tries."
    return 1
}

APT_UPDATED=
apt_update() {
    if [ -z "$APT_UPDATED" ]; then
        say "Reading the list of packages."
        three_times "apt-get update" as_root apt-get update -qq || return 1
        APT_UPDATED=1
    fi
}

# need_packages NAME... : installs the Debian/Ubuntu packages that are missing
need_packages() {
    missing=
    for package in "$@"; do
        # libsqlite3-0 and its like are called …t64 on newer systems, and provide the old name
        dpkg-query -W -f '${Status}\n' "$package" 2> /dev/null | grep -q 'ok installed' \
            || dpkg-query -W -f '${Status}\n' "${package}t64" 2> /dev/null | grep -q 'ok installed' \
            || missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        command -v apt-get > /dev/null || fail "These are missing, and this is no Debian or Ubuntu, so install them yourself:$missing"
        say "Installing from the distribution:$missing"
        apt_update || return 1
        # shellcheck disable=SC2086
        three_times "apt-get install" as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
    fi
}

has_dotnet() { command -v dotnet > /dev/null && dotnet --list-sdks 2> /dev/null | grep -q "^${DOTNET_CHANNEL%%.*}\."; }

need_dotnet() {
    if has_dotnet; then return; fi
    if [ -x "$HOME/.dotnet/dotnet" ]; then
        export DOTNET_ROOT="$HOME/.dotnet" PATH="$HOME/.dotnet:$PATH"
        if has_dotnet; then return; fi
    fi

    if command -v apt-get > /dev/null; then
        apt_update
        if [ -n "$(apt-cache search --names-only "^dotnet-sdk-$DOTNET_CHANNEL\$")" ]; then
            need_packages "dotnet-sdk-$DOTNET_CHANNEL"
            if has_dotnet; then return; fi
        fi
    fi

    say "Installing the .NET SDK $DOTNET_CHANNEL into $HOME/.dotnet with Microsoft's script; nothing else on this system changes."
    need_packages ca-certificates curl libicu-dev
    script=$(mktemp)
    curl --proto '=https' --tlsv1.2 -fsSL https://dot.net/v1/dotnet-install.sh -o "$script"
    bash "$script" --channel "$DOTNET_CHANNEL" --install-dir "$HOME/.dotnet"
    rm -f "$script"
    export DOTNET_ROOT="$HOME/.dotnet" PATH="$HOME/.dotnet:$PATH"
    has_dotnet || fail "The .NET SDK $DOTNET_CHANNEL could not be installed. See https://learn.microsoft.com/dotnet/core/install/linux"
}

# build_dotnet ARGUMENT... : dotnet with a compiler server of its own (its socket is in TMPDIR), which is ended afterwards
build_dotnet() {
    local tmp code=0
    tmp=$(mktemp -d)
    # A compiler that is started anew for each project spends most of its time on starting; some environments ask for just that.
    TMPDIR=$tmp UseSharedCompilation=true dotnet "$@" || code=$?
    TMPDIR=$tmp dotnet build-server shutdown --vbcscompiler > /dev/null 2>&1 || true
    rm -rf "$tmp"
    return $code
}

# rid_here : what .NET calls this kind of machine; empty where no program is published for it
rid_here() { case "$(uname -s)-$(uname -m)" in Linux-x86_64) echo linux-x64 ;; Linux-aarch64) echo linux-arm64 ;; esac; }

# linker_here : the C compiler that links a program here; empty where there is none, or no C library to link with
linker_here() {
    local compiler
    for compiler in gcc clang; do
        if command -v "$compiler" > /dev/null && echo 'int main(void) { return 0; }' | "$compiler" -x c -o /dev/null - 2> /dev/null; then
            echo "$compiler"
            return
        fi
    done
}

# has_memory_for_native : whether this machine can hold the compiler of native code now (it takes up to 2.8 GB)
has_memory_for_native() {
    local free
    free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo 2> /dev/null)
    [ "${free:-0}" -ge $((3 * 1024 * 1024)) ]
}

# wants_native : whether native code is to be made where it can be: yes, unless POCKETCODER_NATIVE=0 or, without POCKETCODER_NATIVE=1, there is too little memory
wants_native() { case "${POCKETCODER_NATIVE:-}" in 0) return 1 ;; 1) return 0 ;; *) has_memory_for_native ;; esac; }

# need_linker : the C compiler that links native code, where that is wanted and a package is to be had. Without it the program is made in the other form, so nothing fails here.
need_linker() {
    if ! wants_native || [ -n "$(linker_here)" ] || ! command -v apt-get > /dev/null; then return 0; fi
    (need_packages gcc libc6-dev) || say "There is no C compiler here, so the program will start slower and take more memory."
}

# form_of RID : the form in which the one file for this kind of machine is made here (eng/Shipping.props): native where it is wanted and can be linked, else file
form_of() { if wants_native && [ "$1" = "$(rid_here)" ] && [ -n "$(linker_here)" ]; then echo native; else echo file; fi; }

# publish_file FORM RID FOLDER [OPTION…] : the one self-contained file that people get, and nothing else, into FOLDER. OPTION: of MSBuild.
# Without the analyzers: they are for whoever changes the code, and take as long as compiling it. Where it is built: Directory.Build.props.
publish_file() { publish_project src/PocketCoder.Cli "$@"; }

# alone COMMAND… : one after the other in this checkout, for what compiles the libraries that all published forms share. Where flock is missing (macOS) nobody waits.
alone() {
    if ! command -v flock > /dev/null; then
        "$@"
        return
    fi
    mkdir -p artifacts/shipping
    (
        if ! flock -n 9; then
            say "Another build of the program is running in this folder. Waiting for it."
            flock -w 3600 9 || fail "It did not end within an hour. Stop it, and run this again."
        fi
        "$@" 9>&- # what is left running holds no lock
    ) 9> artifacts/shipping/lock
}

# publish_project PROJECT FORM RID FOLDER [OPTION…] : the same of any program that Directory.Build.props knows as one.
publish_project() {
    alone build_dotnet publish "$1" -c Release -r "$3" "-p:Shipping=$2" "-p:CppCompilerAndLinker=$(linker_here)" \
        -p:RunAnalyzers=false "${@:5}" -o "$4" -v quiet -nologo || return 1
    rm -f "$4"/*.pdb "$4"/*.dbg "$4"/*.json
}

has_node() { command -v node > /dev/null && command -v npm > /dev/null && at_least "$(node --version | sed 's/^v//')" "$NODE_MINIMUM"; }

need_node() {
    if has_node; then return; fi
    if [ -x "$TOOLS/node/bin/node" ]; then
        export PATH="$TOOLS/node/bin:$PATH"
        if has_node; then return; fi
    fi

    if command -v apt-get > /dev/null; then
        apt_update
        candidate=$(apt-cache policy nodejs | sed -n 's/^  Candidate: \([0-9.]*\).*/\1/p')
        if [ -n "$candidate" ] && at_least "$candidate" "$NODE_MINIMUM"; then
            # The vendor's packages bring npm along, the distribution's do not.
            need_packages nodejs
            command -v npm > /dev/null || need_packages npm
            if has_node; then return; fi
        fi
    fi

    case "$(uname -m)" in
        x86_64) arch=x64 ;;
        aarch64) arch=arm64 ;;
        *) fail "There is no Node.js $NODE_MINIMUM or newer here, and none to download for $(uname -m). Install it and run this again." ;;
    esac
    say "Installing Node.js $NODE_VENDOR into $TOOLS/node from nodejs.org; nothing else on this system changes."
    need_packages ca-certificates curl xz-utils
    mkdir -p "$TOOLS"
    download=$(mktemp -d)
    name="node-v$NODE_VENDOR-linux-$arch.tar.xz"
    curl --proto '=https' --tlsv1.2 -fsSL "https://nodejs.org/dist/v$NODE_VENDOR/$name" -o "$download/$name"
    curl --proto '=https' --tlsv1.2 -fsSL "https://nodejs.org/dist/v$NODE_VENDOR/SHASUMS256.txt" -o "$download/sums"
    (cd "$download" && grep " $name\$" sums | sha256sum --check --quiet) || fail "The download of Node.js does not match its checksum."
    rm -rf "$TOOLS/node"
    mkdir "$TOOLS/node"
    tar -xJf "$download/$name" -C "$TOOLS/node" --strip-components 1
    rm -rf "$download"
    export PATH="$TOOLS/node/bin:$PATH"
    has_node || fail "Node.js could not be installed."
}

# digest_of PATH... : one hash over names and contents of all files below, without what is built
digest_of() {
    find "$@" \( -name node_modules -o -name dist -o -name bin -o -name obj -o -name artifacts \) -prune -o -type f -print0 2> /dev/null \
        | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16
}

# Builds the app into app/dist with its compressed variants, when its sources changed since the last time.
build_app() {
    stamp=$(digest_of app eng/compress.mjs)
    # Whoever runs "npm run build" has the same files, but nothing compressed: that is not what is served.
    if [ -f app/dist/index.html.br ] && [ "$(cat app/node_modules/.pocketcoder-built 2> /dev/null)" = "$stamp" ]; then return 0; fi
    need_node
    install_app_packages || return 1
    say "Building the app."
    rm -rf app/dist
    log=$(mktemp)
    (cd app && npm run --silent build) > "$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; fail "The app did not build."; }
    rm -f "$log"
    node eng/compress.mjs app/dist
    printf '%s' "$stamp" > app/node_modules/.pocketcoder-built
}

install_app_packages() {
    lock=$(sha256sum app/package-lock.json | cut -c 1-16)
    if [ "$(cat app/node_modules/.pocketcoder-installed 2> /dev/null)" = "$lock" ]; then return 0; fi
    say "Fetching the app's packages (npm ci, as pinned in package-lock.json)."
    three_times "npm ci" npm_ci app || return 1
    printf '%s' "$lock" > app/node_modules/.pocketcoder-installed
}

# The real agent programs for tests, pinned in tests/agents. PocketCoder.Testing (RealAgents) looks for the same mark.
install_agents() {
    local lock
    lock=$(sha256sum tests/agents/package-lock.json | cut -d ' ' -f 1)
    if [ "$(cat tests/agents/node_modules/.pocketcoder-installed 2> /dev/null)" = "$lock" ]; then return 0; fi
    say "Fetching the agent programs for tests (npm ci, as pinned in tests/agents)."
    three_times "npm ci of the agent programs" npm_ci tests/agents || return 1
    printf '%s' "$lock" > tests/agents/node_modules/.pocketcoder-installed
}

npm_ci() { (cd "$1" && npm ci --no-audit --no-fund --loglevel=error) >&2; }
