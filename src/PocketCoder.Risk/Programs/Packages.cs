using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Package managers and build tools: they fetch, and they run what they fetched or what the project holds.</summary>
internal static class Packages
{
    private static readonly HashSet<string> s_fetching = new(StringComparer.Ordinal)
    {
        "install", "i", "add", "ci", "update", "upgrade", "up", "dlx", "exec", "x", "create", "init", "get", "restore", "publish", "login",
        "link", "fetch", "download", "sync", "pull", "push", "require", "reinstall", "audit", "outdated", "search", "view", "info",
        "show_", "dedupe", "rebuild", "self-update", "dist-upgrade", "full-upgrade", "build-dep",
        "source", "tap", "tool", "bundle", "remove", "uninstall", "purge", "autoremove", "unpublish", "deprecate", "owner", "yank",
        "global", "cask", "-S", "-Syu", "-Sy", "lock", "workload", "import",
    };

    private static readonly HashSet<string> s_local = new(StringComparer.Ordinal)
    {
        "run", "run-script", "test", "t", "tst", "start", "stop", "restart", "build", "check", "clippy", "bench", "fmt", "format", "lint",
        "vet", "generate", "doc", "compile", "package", "verify", "clean", "dev", "pack", "watch", "mod", "metadata", "jar", "assemble",
        "script", "serve", "tsc", "msbuild", "fix", "user-jwts", "user-secrets", "ef", "new", "sln", "reference", "rake",
    };

    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("npm pnpm yarn", Node, Traits.OwnCheck);
        programs.Add("npx pnpx bunx uvx pipx yarnpkg", Runner, Traits.OwnCheck);
        programs.Add("pip pip3 uv poetry pdm conda mamba hatch rye", static call => Verb(call), Traits.OwnCheck);
        programs.Add("cargo rustup", static call => Verb(call), Traits.OwnCheck);
        programs.Add("go", static call => Verb(call), Traits.OwnCheck);
        programs.Add("dotnet nuget", DotNet, Traits.OwnCheck);
        programs.Add("gem bundle bundler composer mvn mvnw gradle gradlew sbt mix rebar3 cabal stack swift pod dart flutter zig opam luarocks cpan cpanm vcpkg conan",
            static call => Verb(call), Traits.OwnCheck);
        programs.Add(
            "apt apt-get aptitude dnf yum zypper apk pacman brew port snap flatpak dpkg rpm nix nix-env nix-shell emerge xbps-install",
            SystemPackages, Traits.OwnCheck);
        programs.Add("apt-cache dpkg-query apt-mark_", static _ => { }, Traits.AnyOptions);
        programs.Add("pytest tox nox mypy ruff black isort flake8 pylint eslint tslint stylelint jest vitest mocha ava tsc vite webpack rollup esbuild turbo nx lerna rspec rubocop phpunit gofmt rustfmt rustc gcc g++ cc clang clang++ ld javac kotlinc shellcheck_ pre-commit playwright cypress svelte-check biome ctest meson bazel buck ant",
            static call => call.RunsCode(call.Shown, $"Runs the project's own code or build: {call.Shown}", RiskTier.WorkspaceWrite),
            Traits.OwnCheck);
        programs.Add("shellcheck", static call => call.Reads(call.Operands()));
    }

    /// <summary>bun and deno: package manager, test runner and interpreter in one.</summary>
    public static void Runtime(Invocation call) => Verb(call);

    private static void Fetches(Invocation call, string what, RiskTier tier = RiskTier.ReachesOut)
    {
        call.Report.CannotBeUndone();
        ReachesSources(call);
        call.RunsCode(call.Shown, $"{what}: {call.Shown}", tier);
    }

    /// <summary>
    /// Which servers are reached is said by configuration, so no public one is named here: the ecosystem is, and the hosts of addresses
    /// that stand in the command itself. Whoever can read the configuration adds its hosts (<see cref="Risk.Fetches"/>).
    /// </summary>
    private static void ReachesSources(Invocation call)
    {
        var sources = PackageSourceNames.Of(call.Name);
        call.Report.Fetches(sources, call.State.Folders);
        call.Report.Add(ConsequenceKind.ReachesHost, sources, $"Downloads packages from the configured {sources}.", RiskTier.ReachesOut);
        foreach (var arg in call.Args.Where(a => a.Known))
        {
            var value = arg.Text.StartsWith('-') ? arg.Text[(arg.Text.IndexOf('=', StringComparison.Ordinal) + 1)..] : arg.Text;
            if (value.Contains("://", StringComparison.Ordinal) && Network.HostOf(value) is { } host)
            {
                call.Reaches(host, "packages");
            }
        }
    }

    /// <summary><c>npx X</c> downloads a program and runs it, or runs one that is there; <c>npx -c</c> gives a text to a shell.</summary>
    private static void Runner(Invocation call)
    {
        Fetches(call, "Downloads a program and runs it");
        Inner(call, call.Args);
    }

    /// <summary>The program behind <c>npx</c>, <c>poetry run</c> and their like: what counts for a rule is that one.</summary>
    private static void Inner(Invocation call, IEnumerable<Arg> args)
    {
        if (call.Has("-c", "--call", "--shell-mode"))
        {
            call.Report.Unseen();
            call.Values("-c", "--call").Where(v => v.Exact).ToList().ForEach(call.Script);
        }

        List<Arg> rest = [.. args.SkipWhile(a => a.Text.StartsWith('-'))];
        if (rest.Count < args.Count() && rest.Count > 0
            && !args.TakeWhile(a => a.Text.StartsWith('-')).All(a => a.Text is "-y" or "--yes" or "--" or "--no" or "--no-install"))
        {
            call.Report.Unseen(); // an option may take the next word, and then another one is the program
        }

        call.Start(rest);
    }

    private static void Node(Invocation call)
    {
        var verb = call.Operands("C", "--prefix", "--filter", "--workspace").FirstOrDefault();
        if (verb is
            {
                Exact: true, Text: "ls" or "list" or "ll" or "root" or "bin" or "prefix" or "why" or "explain" or "pkg" or "help"
            or "version"
            } && (verb.Text is not "version" and not "pkg" || call.Operands().Count == 1) || IsVersion(call))
        {
            return;
        }

        Verb(call);
    }

    private static bool IsVersion(Invocation call) => call.Args is [
        {
            Exact: true, Text: "--version" or "-v" or "-V" or "version"
        or "--help" or "-h" or "help" or "--info" or "--list-sdks" or "--list-runtimes" or "env"
        }];

    private static void Verb(Invocation call)
    {
        if (IsVersion(call))
        {
            return;
        }

        if (call.Args is [{ Exact: true, Text: "run" or "exec" }, ..] && (call.Name is "uv" or "poetry" or "pdm" or "hatch" or "rye"
            or "conda" or "mamba" or "bundle" or "bundler" or "stack" or "cabal" || call.Args[0].Text == "exec"))
        {
            Inner(call, call.Args.Skip(1));
        }

        var verb = call.Args.FirstOrDefault(a => !a.Text.StartsWith('-') || a.Text.StartsWith("-S", StringComparison.Ordinal));
        if (verb is { Exact: true } && s_local.Contains(verb.Text) && call.Name is not ("deno" or "bun")
            && !(call.Name == "go" && call.Args.Any(a => a.Text.Contains('@', StringComparison.Ordinal))))
        {
            call.RunsCode(call.Shown, $"Runs the project's own code: {call.Shown}", RiskTier.WorkspaceWrite);
        }
        else if (verb is null || (verb.Exact && s_fetching.Contains(verb.Text)))
        {
            Fetches(call, "Installs packages, which may run code during installation", verb?.Text is "publish" or "unpublish" or "yank"
                or "push" or "deprecate" or "owner" ? RiskTier.Destructive : RiskTier.ReachesOut);
        }
        else if (call.Name is "pip" or "pip3" or "cargo" or "go" && verb is
        {
            Exact: true,
            Text: "list" or "show" or "freeze" or "tree" or "env" or "version" or "check"
        } && !call.Has("-w", "-u"))
        {
            call.Report.Raise(RiskTier.Read);
        }
        else
        {
            call.Unknown($"The effect is unknown: {call.Shown}");
        }
    }

    private static void DotNet(Invocation call)
    {
        if (call.Args is [{ Text: "nuget" }, { Text: "push" or "delete" }, ..])
        {
            Fetches(call, "Publishes or removes a package", RiskTier.Destructive);
            return;
        }

        if (call.Args is [{ Text: "restore" or "add" or "tool" or "workload" or "nuget" or "publish" }, ..])
        {
            Fetches(call, "Fetches packages, which may run code in the build");
            return;
        }

        Verb(call);
    }

    private static void SystemPackages(Invocation call)
    {
        if (call.Args is [
            {
                Exact: true, Text: "list" or "show" or "search" or "policy" or "info" or "-l" or "-L" or "-s" or "-S" or "-q"
            or "-qa" or "-ql" or "depends" or "rdepends" or "leaves" or "deps" or "--version" or "-Q" or "-Qi" or "-Ql" or "--list"
            or "--listfiles" or "--get-selections"
            }, ..] && call.Name is not ("pacman" or "nix") | call.Args[0].Text.StartsWith(
            "-Q", StringComparison.Ordinal) && call.Args.All(a => a.Exact && a.Text is not "-o" && !a.Text.StartsWith(
            "-o", StringComparison.Ordinal)) && call.Name is not ("nix-shell" or "nix-env" or "snap" or "flatpak" or "emerge"))
        {
            return;
        }

        call.System($"Changes the system's packages: {call.Shown}");
        ReachesSources(call);
        call.RunsCode(call.Shown, $"Runs the packages' own scripts: {call.Shown}", RiskTier.Destructive);
    }
}
