# Shared by start.sh and test.sh: finds or installs what the build needs. Sourced, never run.
# Everything it does is said before it is done. Works as root, or as an ordinary user with sudo.

say() { printf '%s\n' "$*" >&2; }
die() { say ""; say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root. $1 is what a person should type when there is no sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo; then sudo "$@"
  else die "This needs administrator rights and there is no sudo here. As root, type: $*"
  fi
}

apt_updated=
# Installs Debian/Ubuntu packages that are missing.
apt_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  have apt-get || die "Please install these with your system's package manager, then start again: ${missing[*]}"
  say "Installing from your distribution: ${missing[*]}"
  if [ -z "$apt_updated" ]; then as_root apt-get update -qq || say "(apt-get update failed; trying with the lists that are there)"; apt_updated=1; fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || die "Installing ${missing[*]} failed. Try it by hand, then start again."
}

# Does this dotnet have an SDK that global.json accepts?
dotnet_fits() { have dotnet && (cd "$ROOT" && dotnet --version >/dev/null 2>&1); }

ensure_dotnet() {
  if ! dotnet_fits && [ -x "$HOME/.dotnet/dotnet" ]; then export DOTNET_ROOT="$HOME/.dotnet" PATH="$HOME/.dotnet:$PATH"; fi
  dotnet_fits && return
  if have apt-cache && apt-cache show dotnet-sdk-10.0 >/dev/null 2>&1; then
    apt_install dotnet-sdk-10.0
  else
    apt_install curl ca-certificates libicu-dev
    say "Installing the .NET 10 SDK into ~/.dotnet with Microsoft's install script (https://dot.net/v1/dotnet-install.sh)"
    local script; script="$(mktemp)"
    curl -fsSL --retry 3 -o "$script" https://dot.net/v1/dotnet-install.sh || die "Could not download the .NET install script. See https://dotnet.microsoft.com/download"
    bash "$script" --channel 10.0 --install-dir "$HOME/.dotnet" >&2 || die "Installing the .NET SDK failed. See https://dotnet.microsoft.com/download"
    rm -f "$script"
    export DOTNET_ROOT="$HOME/.dotnet" PATH="$HOME/.dotnet:$PATH"
  fi
  dotnet_fits || die "A .NET SDK 10 is needed (global.json) and could not be set up. See https://dotnet.microsoft.com/download"
}

# Node from 20.19 on; npm with it.
node_fits() { have node && have npm && node -e 'const [a,b]=process.versions.node.split(".").map(Number);process.exit(a>20||(a===20&&b>=19)?0:1)' 2>/dev/null; }

ensure_node() {
  local own="$HOME/.local/share/pocketcoder/node"
  if ! node_fits && [ -x "$own/bin/node" ]; then export PATH="$own/bin:$PATH"; fi
  node_fits && return
  local offered=""
  if have apt-cache; then offered="$(apt-cache policy nodejs 2>/dev/null | sed -n 's/^ *Candidate: *//p')"; fi
  if [ -n "$offered" ] && have dpkg && dpkg --compare-versions "$offered" ge 20.19; then
    apt_install nodejs npm
  else
    apt_install curl ca-certificates xz-utils
    local version=v22.12.0 arch
    case "$(uname -m)" in x86_64) arch=x64 ;; aarch64 | arm64) arch=arm64 ;; *) die "Please install Node 20.19 or newer: https://nodejs.org" ;; esac
    local name="node-$version-linux-$arch" place; place="$(mktemp -d)"
    say "Installing Node $version into $own from nodejs.org, checked against its published checksum"
    (cd "$place" \
      && curl -fsSL --retry 3 -O "https://nodejs.org/dist/$version/$name.tar.xz" -O "https://nodejs.org/dist/$version/SHASUMS256.txt" \
      && grep " $name.tar.xz\$" SHASUMS256.txt | sha256sum -c --quiet -) || die "Could not get Node. Install 20.19 or newer from https://nodejs.org"
    mkdir -p "$own"
    tar -xJf "$place/$name.tar.xz" -C "$own" --strip-components=1
    rm -rf "$place"
    export PATH="$own/bin:$PATH"
  fi
  node_fits || die "Node 20.19 or newer is needed and could not be set up. See https://nodejs.org"
}

# What the product itself uses at run time.
ensure_runtime() { apt_install git tmux bubblewrap libsqlite3-0 ca-certificates; }

# SHA-256 over what a build is made from: the named paths as git sees them, changed and new files included.
fingerprint() {
  (cd "$ROOT" && { git ls-files -co --exclude-standard -- "$@" | LC_ALL=C sort | while IFS= read -r f; do [ -f "$f" ] && sha256sum -- "$f"; done; } | sha256sum | cut -d' ' -f1)
}

# Builds the app into app/dist, unless it is there already for these sources.
build_app() {
  local now stamp="$ROOT/app/dist/.built-from"
  now="$(fingerprint app)"
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ] && return
  say "Building the app"
  (cd "$ROOT/app" && npm ci --no-audit --no-fund --loglevel=error >&2 && npm run --silent build >&2) || die "Building the app failed."
  printf '%s' "$now" >"$stamp"
}
