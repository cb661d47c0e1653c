using PocketCoder.Machine.Executions.Code;
using PocketCoder.Risks;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Executions.Code;

/// <summary>Which files of a project a command runs: each must be held to what it was when a person looked.</summary>
public sealed class CodeFinderTests : IDisposable
{
    private readonly string _project = Directory.CreateTempSubdirectory("pc-code-").FullName;

    public void Dispose() => Directory.Delete(_project, recursive: true);

    [Theory]
    [InlineData("npm test", "package.json", "inner.sh")]
    [InlineData("npm run build -- --fast", "package.json", "tools/build.sh")]
    [InlineData("yarn build", "package.json", "tools/build.sh")]
    [InlineData("pnpm run build", "package.json", "tools/build.sh")]
    [InlineData("cd sub && npm test", "package.json", "inner.sh")]
    [InlineData("npm --prefix sub test", "package.json", "inner.sh")]
    [InlineData("timeout 5 npm test", "package.json", "inner.sh")]
    [InlineData("npm install", "package.json", "package-lock.json", "tools/setup.sh", ".npmrc")]
    [InlineData("npm run hooked", "package.json", "tools/before.sh", "tools/after.sh")]
    [InlineData("npm run chain", "package.json", "tools/build.sh")]
    [InlineData("npm run linted", "package.json", "node_modules/.bin/lint")]
    [InlineData("npx lint", "node_modules/.bin/lint")]
    [InlineData("make", "Makefile", "rules.mk", "tools/build.sh", "inner.sh")]
    [InlineData("make -C sub", "sub/Makefile", "tools/build.sh")]
    [InlineData("make -Csub all", "sub/Makefile", "tools/build.sh")]
    [InlineData("make -f other.mk", "other.mk", "tools/before.sh")]
    [InlineData("make --file=other.mk", "other.mk", "tools/before.sh")]
    [InlineData("just build", "justfile", "more.just", "tools/build.sh", "tools/after.sh")]
    [InlineData("sh outer.sh", "outer.sh", "inner.sh")]
    [InlineData("./outer.sh", "outer.sh", "inner.sh")]
    [InlineData("sh here.sh", "here.sh", "tools/build.sh")]
    [InlineData("sh tools/beside.sh", "tools/beside.sh", "tools/build.sh")]
    [InlineData(". ./outer.sh", "outer.sh", "inner.sh")]
    [InlineData("sh < outer.sh", "outer.sh", "inner.sh")]
    [InlineData("bash -c 'sh outer.sh'", "outer.sh", "inner.sh")]
    [InlineData("sh runs-npm.sh", "runs-npm.sh", "package.json", "inner.sh")]
    [InlineData("PATH=.:$PATH outer.sh", "outer.sh", "inner.sh")]
    [InlineData("PATH=$PATH:tools build.sh", "tools/build.sh")]
    [InlineData("env PATH=tools:/usr/bin build.sh", "tools/build.sh")]
    [InlineData("export PATH=\"tools:$PATH\"; build.sh", "tools/build.sh")]
    [InlineData("python3 -m pytest -q", "pytest.ini", "conftest.py")]
    [InlineData("pytest tests/test_a.py::test_x", "pytest.ini", "conftest.py", "tests/test_a.py")]
    [InlineData("dotnet run", "app.csproj", "Directory.Build.props")]
    [InlineData("./gradlew build", "gradlew", "build.gradle")]
    [InlineData("cargo test", "Cargo.toml", "build.rs")]
    [InlineData("tox", "tox.ini")]
    public void What_runs_is_held(string command, params string[] files)
    {
        Write("package.json", """
            {"scripts":{"test":"sh inner.sh","build":"sh tools/build.sh","postinstall":"sh tools/setup.sh","prehooked":"sh tools/before.sh","hooked":"true","posthooked":"sh tools/after.sh",
            "chain":"npm run build","linted":"lint ."}}
            """);
        Write(".npmrc", "ignore-scripts=false\n");
        Write("package-lock.json", "{}");
        Write("node_modules/.bin/lint", "#!/usr/bin/env node\n");
        Write("Makefile", "include rules.mk\nDIR = tools\nall: sub\n\t@sh $(DIR)/build.sh \\\n\t  now\n");
        Write("rules.mk", "sub: ; sh inner.sh\n");
        Write("sub/Makefile", "all:\n\t-sh ../tools/build.sh\n");
        Write("other.mk", "x:\n\tcd . && ./tools/before.sh $@\n");
        Write("justfile", "import 'more.just'\nbuild:\n    @sh tools/build.sh {{x}}\n");
        Write("more.just", "after:\n  ./tools/after.sh\n");
        Write("outer.sh", "#!/bin/sh\nset -e\nsh ./inner.sh\n");
        Write("here.sh", "cd \"$(dirname \"$0\")\" && ./tools/build.sh\n");
        Write("tools/beside.sh", "HERE=\"$(cd \"$(dirname \"${BASH_SOURCE[0]}\")\" && pwd)\"\n\"$HERE/build.sh\"\n");
        Write("runs-npm.sh", "npm test\n");
        foreach (var name in (string[])["inner.sh", "tools/build.sh", "tools/setup.sh", "tools/before.sh", "tools/after.sh"])
        {
            Write(name, "#!/bin/sh\necho one\n");
        }

        foreach (var name in (string[])["pytest.ini", "conftest.py", "tests/test_a.py", "app.csproj", "Directory.Build.props", "gradlew",
            "build.gradle", "Cargo.toml", "build.rs", "tox.ini"])
        {
            Write(name, "one");
        }

        var found = Find(command);
        Assert.Empty(files.Except(found.Files.Select(f => Path.GetRelativePath(_project, f)), StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("sh \"$(dirname \"$0\")/inner.sh\"")]
    [InlineData("sh \"$(dirname \"$0\")\"/inner.sh")]
    [InlineData("cd $(dirname $0); sh ./inner.sh")]
    [InlineData("sh `dirname $0`/inner.sh")]
    [InlineData("exec \"${0%/*}/inner.sh\"")]
    [InlineData("ROOT=\"$(cd \"$(dirname \"${BASH_SOURCE[0]:-$0}\")\" >/dev/null 2>&1 && pwd -P)\"\nsh \"$ROOT/inner.sh\"")]
    [InlineData("readonly here=$(dirname -- \"$0\")\n\"${here}/inner.sh\" x")]
    public void A_script_that_names_its_own_folder_is_followed(string text)
    {
        Write("tools/a.sh", text);
        Write("tools/inner.sh", "true\n");
        Assert.Contains(Path.Combine(_project, "tools/inner.sh"), Find("bash tools/a.sh").Files);
    }

    [Theory]
    [InlineData("sh inner.sh")]
    [InlineData("npm test")]
    [InlineData("ls; echo x")]
    public void What_is_held_completely_has_no_warning(string command)
    {
        Write("package.json", """{"scripts":{"test":"sh inner.sh"}}""");
        Write("inner.sh", "echo one\n");
        Assert.Empty(Find(command).Loose);
    }

    [Theory]
    [InlineData("npm test")]
    [InlineData("sh dynamic.sh")]
    [InlineData("python3 tool.py")]
    [InlineData("PATH=$WHERE tool")]
    [InlineData("cd $WHERE && make")]
    [InlineData("npm -w other test")]
    [InlineData("make")]
    [InlineData("npm run $WHICH")]
    public void What_cannot_be_held_is_said(string command)
    {
        Write("package.json", """{"scripts":{"test":"node run.js"}}""");
        Write("run.js", "");
        Write("dynamic.sh", "./$1\n");
        Write("tool.py", "import other\n");
        Write("Makefile", "include $(wildcard *.mk)\n");
        Assert.NotEmpty(Find(command).Loose);
    }

    /// <summary>Every runner of the table holds every file that it reads, in its folder and above it, and says that more may run.</summary>
    [Fact]
    public void Every_runner_holds_each_of_its_files()
    {
        foreach (var (programs, files) in RunnerFiles.Rows)
        {
            foreach (var file in files.Split(' '))
            {
                var name = file.Replace("*", "x", StringComparison.Ordinal);
                Write(name, "one");
                foreach (var program in programs.Split(' '))
                {
                    var found = Find($"mkdir -p deep && cd deep && {program} build");
                    Assert.True(found.Files.Contains(Path.Combine(_project, name), StringComparer.Ordinal),
                        $"{program} does not hold {name}");
                    Assert.NotEmpty(found.Loose);
                }

                File.Delete(Path.Combine(_project, name));
            }
        }
    }

    [Fact]
    public void Nothing_outside_of_the_project_is_opened_whatever_a_link_says()
    {
        var outside = Directory.CreateTempSubdirectory("pc-outside-");
        try
        {
            File.WriteAllText(Path.Combine(outside.FullName, "package.json"), """{"scripts":{"test":"sh canary.sh"}}""");
            Write("canary.sh", "");
            File.CreateSymbolicLink(Path.Combine(_project, "package.json"), Path.Combine(outside.FullName, "package.json"));
            Assert.DoesNotContain(Find("npm test").Files, f => f.EndsWith("canary.sh", StringComparison.Ordinal));
        }
        finally
        {
            outside.Delete(recursive: true);
        }
    }

    [Fact]
    public void Files_that_call_each_other_end_and_are_bounded()
    {
        Write("a.sh", "sh b.sh\nnpm test\n");
        Write("b.sh", "sh a.sh\nmake\n");
        Write("package.json", """{"scripts":{"test":"npm test; make; sh a.sh"}}""");
        Write("Makefile", "include Makefile\nall:\n\tmake all; npm test\n");
        Assert.Equal(["Makefile", "a.sh", "b.sh", "package.json"],
            Find("sh a.sh").Files.Select(Path.GetFileName).Order(StringComparer.Ordinal));

        for (var i = 0; i < 200; i++)
        {
            Write($"s{i}.sh", $"sh s{i + 1}.sh\n");
            Write($"t{i}.sh", "true\n");
        }

        Write("Makefile", "all:\n" + string.Concat(Enumerable.Range(0, 200).Select(i => $"\tsh t{i}.sh\n")));
        var many = Find("sh s0.sh; make");
        Assert.InRange(many.Files.Count, 1, CodeFinder.MaxFiles);
        Assert.InRange(many.Loose.Count, 1, CodeFinder.MaxLoose);
    }

    /// <summary>Files of any content: no exception, and the answer twice is the same answer.</summary>
    [Fact]
    public void Files_of_any_content_are_read_without_harm()
    {
        var random = new Random(1010);
        string[] pieces = ["{", "}", "\"scripts\"", ":", "\"test\"", "\"sh x.sh\"", "include ", "\t", "\n", "$(", ")", "$(shell ",
            "A = $(A)", "${A}", "import '", "'", "mod x", "{{", "}}", "$$", "\\\n", "\0", "\u202e", "-f", "..", "/", ";", "&&", "\"",
            "$(dirname \"$0\")"];
        for (var i = 0; i < 400; i++)
        {
            foreach (var name in (string[])["package.json", "Makefile", "justfile", "x.sh", "tox.ini"])
            {
                Write(name, string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => pieces[random.Next(pieces.Length)])));
            }

            const string Command = "npm test; make all; just x; sh x.sh; tox; npm ci";
            var once = Find(Command);
            var twice = Find(Command);
            Assert.Equal(once.Files, twice.Files);
            Assert.Equal(once.Loose, twice.Loose);
            Assert.All(once.Files, f => Assert.StartsWith("/", f, StringComparison.Ordinal));
        }
    }

    private ExecutedCode Find(string command) => CodeFinder.Find(_project, RiskAssessor.Assess(command, _project, _project));

    private void Write(string name, string text)
    {
        var path = Path.Combine(_project, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
