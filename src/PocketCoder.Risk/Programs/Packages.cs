using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>Package managers and build tools: they fetch, and they run what they fetched or what the project holds.</summary>
internal static class Packages
{
    private static readonly HashSet<string> s_fetching = new(StringComparer.Ordinal)
    {
        "install", "i", "add", "ci", "update", "upgrade", "up", "dlx", "exec", "x", "create", "init", "get", "restore", "publish", "login", "link", "fetch", "download", "sync", "pull", "push", "require", "reinstall", "audit", "outdated", "search", "view", "info", "show_", "dedupe", "rebuild", "self-update", "dist-upgrade", "full-upgrade", "build-dep",
        "source", "tap", "tool", "bundle", "remove", "uninstall", "purge", "autoremove", "unpublish", "deprecate", "owner", "yank", "global", "cask", "-S", "-Syu", "-Sy", "lock", "workload", "import",
    };

    private static readonly HashSet<string> s_local = new(StringComparer.Ordinal)
    {
        "run", "run-script", "test", "t", "tst", "start", "stop", "restart", "build", "check", "clippy", "bench", "fmt", "format", "lint", "vet", "generate", "doc", "compile", "package", "verify", "clean", "dev", "pack", "watch", "mod", "metadata", "jar", "assemble", "script", "serve", "tsc", "msbuild", "fix", "user-jwts", "user-secrets", "ef", "new", "sln", "reference", "rake",
    };

    public static void AddTo(Dictionary<string, ProgramEntry> programs)
    {
        programs.Add("npm pnpm yarn", Node, Traits.OwnCheck);
        programs.Add("npx pnpx bunx uvx pipx yarnpkg", static call => Fetches(call, "Downloads a program and runs it"), Traits.OwnCheck);
        programs.Add("pip pip3 uv poetry pdm conda mamba hatch rye", static call => Verb(call, "pypi.org"), Traits.OwnCheck);
        programs.Add("cargo rustup", static call => Verb(call, "crates.io"), Traits.OwnCheck);
        programs.Add("go", static call => Verb(call, "proxy.golang.org"), Traits.OwnCheck);
        programs.Add("dotnet nuget", DotNet, Traits.OwnCheck);
        programs.Add("gem bundle bundler composer mvn mvnw gradle gradlew sbt mix rebar3 cabal stack swift pod dart flutter zig opam luarocks cpan cpanm vcpkg conan", static call => Verb(call, "its package registry"), Traits.OwnCheck);
        programs.Add("apt apt-get aptitude dnf yum zypper apk pacman brew port snap flatpak dpkg rpm nix nix-env nix-shell emerge xbps-install", SystemPackages, Traits.OwnCheck);
        programs.Add("apt-cache dpkg-query apt-mark_", static _ => { }, Traits.AnyOptions);
        programs.Add("pytest tox nox mypy ruff black isort flake8 pylint eslint tslint stylelint jest vitest mocha ava tsc vite webpack rollup esbuild turbo nx lerna rspec rubocop phpunit gofmt rustfmt rustc gcc g++ cc clang clang++ ld javac kotlinc shellcheck_ pre-commit playwright cypress svelte-check biome ctest meson bazel buck ant", static call => call.RunsCode(call.Shown, $"Runs the project's own code or build: {call.Shown}", RiskTier.WorkspaceWrite), Traits.OwnCheck);
        programs.Add("shellcheck", static call => call.Reads(call.Operands()));
    }

    /// <summary>bun and deno: package manager, test runner and interpreter in one.</summary>
    public static void Runtime(Invocation call) => Verb(call, "its package registry");

    private static void Fetches(Invocation call, string what, RiskTier tier = RiskTier.ReachesOut)
    {
        call.Report.CannotBeUndone();
        call.Report.Add(ConsequenceKind.ReachesHost, "package registry", "Downloads packages.", RiskTier.ReachesOut);
        call.RunsCode(call.Shown, $"{what}: {call.Shown}", tier);
    }

    private static void Node(Invocation call)
    {
        var verb = call.Operands("C", "--prefix", "--filter", "--workspace").FirstOrDefault();
        if (verb is { Exact: true, Text: "ls" or "list" or "ll" or "root" or "bin" or "prefix" or "why" or "explain" or "pkg" or "help" or "version" } && (verb.Text is not "version" and not "pkg" || call.Operands().Count == 1) || IsVersion(call))
        {
            return;
        }

        Verb(call, "registry.npmjs.org");
    }

    private static bool IsVersion(Invocation call) => call.Args is [{ Exact: true, Text: "--version" or "-v" or "-V" or "version" or "--help" or "-h" or "help" or "--info" or "--list-sdks" or "--list-runtimes" or "env" }];

    private static void Verb(Invocation call, string host)
    {
        if (IsVersion(call))
        {
            return;
        }

        var verb = call.Args.FirstOrDefault(a => !a.Text.StartsWith('-') || a.Text.StartsWith("-S", StringComparison.Ordinal));
        if (verb is { Exact: true } && s_local.Contains(verb.Text) && call.Name is not ("deno" or "bun") && !(call.Name == "go" && call.Args.Any(a => a.Text.Contains('@', StringComparison.Ordinal))))
        {
            call.RunsCode(call.Shown, $"Runs the project's own code: {call.Shown}", RiskTier.WorkspaceWrite);
        }
        else if (verb is null || (verb.Exact && s_fetching.Contains(verb.Text)))
        {
            call.Reaches(host, "packages");
            Fetches(call, "Installs packages, which may run code while they are installed", verb?.Text is "publish" or "unpublish" or "yank" or "push" or "deprecate" or "owner" ? RiskTier.Destructive : RiskTier.ReachesOut);
        }
        else if (call.Name is "pip" or "pip3" or "cargo" or "go" && verb is { Exact: true, Text: "list" or "show" or "freeze" or "tree" or "env" or "version" or "check" } && !call.Has("-w", "-u"))
        {
            call.Report.Raise(RiskTier.Read);
        }
        else
        {
            call.Unknown($"What this does is not known: {call.Shown}");
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
            call.Reaches("api.nuget.org", "packages");
            Fetches(call, "Fetches packages, which may run code in the build");
            return;
        }

        Verb(call, "api.nuget.org");
    }

    private static void SystemPackages(Invocation call)
    {
        if (call.Args is [{ Exact: true, Text: "list" or "show" or "search" or "policy" or "info" or "-l" or "-L" or "-s" or "-S" or "-q" or "-qa" or "-ql" or "depends" or "rdepends" or "leaves" or "deps" or "--version" or "-Q" or "-Qi" or "-Ql" or "--list" or "--listfiles" or "--get-selections" }, ..] && call.Name is not ("pacman" or "nix") | call.Args[0].Text.StartsWith("-Q", StringComparison.Ordinal) && call.Args.All(a => a.Exact && a.Text is not "-o" && !a.Text.StartsWith("-o", StringComparison.Ordinal)) && call.Name is not ("nix-shell" or "nix-env" or "snap" or "flatpak" or "emerge"))
        {
            return;
        }

        call.System($"Changes the system's packages: {call.Shown}");
        call.Report.Add(ConsequenceKind.ReachesHost, "package registry", "Downloads packages.", RiskTier.ReachesOut);
        call.RunsCode(call.Shown, $"Runs the packages' own scripts: {call.Shown}", RiskTier.Destructive);
    }
}
