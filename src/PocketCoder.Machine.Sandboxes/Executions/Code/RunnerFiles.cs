namespace PocketCoder.Machine.Executions.Code;

/// <summary>Runners of which it is only known which files they read. Data: what is in these files is not looked at.</summary>
internal static class RunnerFiles
{
    /// <summary>Programs, and names or simple patterns of files in the folder and above it in the project.</summary>
    public static readonly IReadOnlyList<(string Programs, string Files)> Rows =
    [
        ("cargo", "Cargo.toml Cargo.lock build.rs rust-toolchain rust-toolchain.toml .cargo/config .cargo/config.toml"),
        ("go", "go.mod go.work go.sum"),
        ("gradle gradlew",
            "build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.properties gradle/wrapper/gradle-wrapper.properties gradle/wrapper/gradle-wrapper.jar gradle/libs.versions.toml"),
        ("mvn mvnw", "pom.xml .mvn/maven.config .mvn/jvm.config .mvn/extensions.xml .mvn/wrapper/maven-wrapper.properties .mvn/wrapper/maven-wrapper.jar"),
        ("dotnet msbuild",
            "*.csproj *.fsproj *.vbproj *.sln *.slnx Directory.Build.props Directory.Build.targets Directory.Build.rsp Directory.Packages.props global.json nuget.config NuGet.config NuGet.Config .config/dotnet-tools.json"),
        ("pytest py.test", "pytest.ini .pytest.ini pyproject.toml setup.cfg tox.ini conftest.py"),
        ("tox", "tox.ini tox.toml pyproject.toml setup.cfg setup.py"),
        ("nox", "noxfile.py"),
        ("pip pip3 uv poetry pdm hatch rye pipenv",
            "pyproject.toml setup.py setup.cfg uv.lock poetry.lock pdm.lock requirements.txt Pipfile pip.conf"),
        ("mypy ruff black isort flake8 pylint",
            "pyproject.toml setup.cfg tox.ini mypy.ini .mypy.ini ruff.toml .ruff.toml .flake8 .pylintrc pylintrc"),
        ("invoke inv", "tasks.py invoke.yaml"),
        ("fab", "fabfile.py"),
        ("snakemake", "Snakefile workflow/Snakefile"),
        ("pre-commit", ".pre-commit-config.yaml"),
        ("lefthook", "lefthook.yml lefthook.yaml .lefthook.yml"),
        ("jest", "jest.config.* package.json babel.config.* .babelrc*"),
        ("vitest vite", "vitest.config.* vite.config.* vitest.workspace.* package.json"),
        ("mocha", ".mocharc* package.json"),
        ("ava", "ava.config.* package.json"),
        ("eslint", "eslint.config.* .eslintrc* package.json"),
        ("prettier stylelint", "prettier.config.* .prettierrc* stylelint.config.* .stylelintrc* package.json"),
        ("webpack", "webpack.config.*"),
        ("rollup", "rollup.config.*"),
        ("esbuild tsc tsx ts-node svelte-check", "tsconfig*.json svelte.config.*"),
        ("playwright", "playwright.config.*"),
        ("cypress", "cypress.config.*"),
        ("nx", "nx.json project.json package.json"),
        ("turbo", "turbo.json package.json"),
        ("lerna", "lerna.json package.json"),
        ("gulp", "gulpfile.*"),
        ("grunt", "Gruntfile.*"),
        ("deno", "deno.json deno.jsonc import_map.json package.json"),
        ("rake", "Rakefile rakefile Rakefile.rb Gemfile"),
        ("bundle bundler", "Gemfile Gemfile.lock .bundle/config Rakefile"),
        ("rspec", ".rspec Gemfile spec/spec_helper.rb"),
        ("rubocop", ".rubocop.yml"),
        ("composer", "composer.json composer.lock"),
        ("phpunit", "phpunit.xml phpunit.xml.dist phpunit.dist.xml composer.json"),
        ("mix", "mix.exs mix.lock .formatter.exs"),
        ("rebar3", "rebar.config rebar.config.script"),
        ("sbt", "build.sbt project/build.properties project/plugins.sbt"),
        ("ant", "build.xml build.properties"),
        ("cmake ctest cpack", "CMakeLists.txt CMakePresets.json CMakeUserPresets.json"),
        ("meson", "meson.build meson_options.txt meson.options"),
        ("ninja", "build.ninja"),
        ("bazel bazelisk", "MODULE.bazel WORKSPACE WORKSPACE.bazel BUILD BUILD.bazel .bazelrc .bazelversion"),
        ("buck buck2", ".buckconfig BUCK"),
        ("scons", "SConstruct SConscript"),
        ("waf", "wscript"),
        ("task go-task", "Taskfile.yml Taskfile.yaml taskfile.yml taskfile.yaml Taskfile.dist.yml Taskfile.dist.yaml .taskrc.yml"),
        ("swift", "Package.swift Package.resolved"),
        ("stack", "stack.yaml package.yaml"),
        ("cabal", "*.cabal cabal.project"),
        ("zig", "build.zig build.zig.zon"),
        ("dart flutter", "pubspec.yaml pubspec.lock build.yaml"),
        ("docker docker-compose podman podman-compose",
            "Dockerfile Containerfile compose.yaml compose.yml docker-compose.yml docker-compose.yaml compose.override.yaml docker-compose.override.yml"),
        ("vagrant", "Vagrantfile"),
        ("terraform tofu", "*.tf *.tfvars .terraformrc"),
        ("ansible-playbook ansible", "ansible.cfg"),
        ("direnv", ".envrc"),
        ("mise asdf", "mise.toml .mise.toml .tool-versions .asdfrc"),
        ("foreman overmind hivemind honcho", "Procfile"),
    ];

    /// <summary>Holds these files, and the project's files that the arguments name.</summary>
    public static void Hold(RunnerCall call, string files)
    {
        if (call.Arguments is [("--version" or "-V" or "-v" or "--help" or "-h" or "help" or "version" or "--info")])
        {
            return;
        }

        var folder = call.FolderOf("-C", "--directory", "--cwd", "--project-dir", "-f", "--manifest-path", "--project") ?? call.Folder;
        call.Finder.HoldUpward(Directory.Exists(folder) ? folder : Path.GetDirectoryName(folder) ?? call.Folder, files.Split(' '));
        HoldNamed(call);
        call.RunsMore();
    }

    /// <summary>Holds the project's files that the arguments name: <c>-f other.mk</c>, <c>--config=x.js</c>, <c>run main.go</c>.</summary>
    public static void HoldNamed(RunnerCall call)
    {
        foreach (var argument in call.Arguments ?? [])
        {
            var value = argument.StartsWith('-') ? argument[(argument.IndexOf('=', StringComparison.Ordinal) + 1)..] : argument;
            if (value.Length is > 0 and < 4096 && !value.StartsWith('-') && !value.Contains('\0', StringComparison.Ordinal)
                && Path.GetFullPath(Path.Combine(call.Folder, value.Split("::")[0])) is var path && call.Finder.Text.Exists(path))
            {
                call.Finder.Hold(path);
            }
        }
    }
}
