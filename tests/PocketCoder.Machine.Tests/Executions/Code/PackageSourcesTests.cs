using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Code;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Tests.Executions.Code;

/// <summary>Where packages come from is said by configuration: no public server is named for it, and the configured one is.</summary>
public sealed class PackageSourcesTests : IDisposable
{
    private static readonly Dictionary<string, string> s_noEnvironment = [];

    private readonly string _project = Directory.CreateTempSubdirectory("pc-code-").FullName;
    private readonly string _home = Directory.CreateTempSubdirectory("pc-home-").FullName;

    public void Dispose()
    {
        Directory.Delete(_project, recursive: true);
        Directory.Delete(_home, recursive: true);
    }

    [Theory]
    [InlineData("npm install", "npm registries")]
    [InlineData("npx create-app", "npm registries")]
    [InlineData("bun add x", "npm registries")]
    [InlineData("pip install requests", "Python package indexes")]
    [InlineData("uvx ruff", "Python package indexes")]
    [InlineData("cargo install ripgrep", "Cargo registries")]
    [InlineData("go get example.com/x", "Go module proxies")]
    [InlineData("dotnet restore", "NuGet sources")]
    [InlineData("bundle install", "RubyGems sources")]
    [InlineData("opam install x", "package sources")]
    [InlineData("apt-get install x", "APT sources")]
    public void Without_configuration_the_ecosystem_is_told_and_no_host(string command, string sources)
    {
        var hosts = Hosts(command);
        Assert.Equal([sources], hosts.Select(c => c.Subject));
    }

    [Theory]
    [InlineData("npm install", ".npmrc",
        "registry=https://npm.inside.example/\n//npm.inside.example/:_authToken=secret\n@co:registry = https://scope.inside.example:8443/x",
        "npm.inside.example scope.inside.example:8443")]
    [InlineData("yarn add x", ".yarnrc.yml",
        "npmScopes:\n  co:\n    npmRegistryServer: \"https://co.example\"\nnpmRegistryServer: 'http://all.example:80/'",
        "co.example all.example:80")]
    [InlineData("yarn add x", ".yarnrc", "registry \"https://old.example/\"", "old.example")]
    [InlineData("bun install", "bunfig.toml",
        "[install]\nregistry = { url = \"https://b.example\", token = \"$t\" }\n[install.scopes]\nmine = \"https://u:p@s.example/\"",
        "b.example s.example")]
    [InlineData("pip install -r requirements.txt", "requirements.txt",
        "--index-url https://user:secret@pip.example/simple\nrequests==2\n--extra-index-url=https://more.example/simple",
        "pip.example more.example")]
    [InlineData("pip install x", "pip.conf",
        "[global]\nindex-url = https://conf.example/simple\nextra-index-url =\n    https://one.example/simple\n    https://two.example/simple",
        "conf.example one.example two.example")]
    [InlineData("uv sync", "pyproject.toml",
        "[project]\nname = \"x\"\nurl = \"https://home.example\"\n[[tool.uv.index]]\nname = \"a\"\nurl = \"https://uv.example/simple\"\n[tool.uv.pip]\nextra-index-url = [\n  \"https://list.example/a\",\n]",
        "uv.example list.example")]
    [InlineData("poetry add x", "pyproject.toml", "[[tool.poetry.source]]\nname = \"a\"\nurl = \"https://poetry.example/simple\"",
        "poetry.example")]
    [InlineData("cargo install x", ".cargo/config.toml",
        "[registries.mine]\nindex = \"sparse+https://cargo.example/index/\"\n[source.other]\nregistry = \"https://git.example/index\"\n[http]\nproxy = \"http://no.example\"",
        "cargo.example git.example")]
    [InlineData("dotnet restore", "nuget.config",
        "<configuration><packageSources><clear/><add key=\"a\" value=\"https://nuget.example/v3/index.json\"/><add key=\"local\" value=\"../packages\"/></packageSources><x><add value=\"https://no.example\"/></x></configuration>",
        "nuget.example")]
    [InlineData("cd sub && dotnet add package X", "NuGet.Config",
        "<configuration><packageSources><add key='a' value='http://u:p@up.example:81/x'/></packageSources></configuration>",
        "up.example:81")]
    public void The_host_is_told_where_the_projects_configuration_names_it(string command, string file, string text, string hosts)
    {
        Directory.CreateDirectory(Path.Combine(_project, "sub"));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_project, file))!);
        File.WriteAllText(Path.Combine(_project, file), text);
        var told = Hosts(command).Skip(1).ToList();
        Assert.Equal(hosts.Split(' '), told.Select(c => c.Subject));
        Assert.All(told, c => Assert.Contains(file, c.Sentence, StringComparison.Ordinal));
        Assert.All(told, c => Assert.DoesNotContain("secret", c.Sentence, StringComparison.Ordinal));
    }

    [Fact]
    public void The_users_configuration_counts_only_where_the_command_reads_it()
    {
        File.WriteAllText(Path.Combine(_home, ".npmrc"), "registry=https://mine.example");
        Assert.Single(Hosts("npm install"));
        var told = Hosts("npm install", home: _home)[1];
        Assert.Equal("mine.example", told.Subject);
        Assert.Contains("~/.npmrc", told.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void The_environment_counts()
        => Assert.Equal(
            ["Go module proxies", "one.example", "two.example"],
            Hosts("go get x", new() { ["GOPROXY"] = "https://one.example,https://two.example|direct", ["OTHER"] = "https://no.example" })
                .Select(c => c.Subject));

    [Fact]
    public void No_text_breaks_it_and_no_link_leads_out()
    {
        File.WriteAllText(Path.Combine(_home, "away"), "registry=https://away.example");
        File.CreateSymbolicLink(Path.Combine(_project, ".npmrc"), Path.Combine(_home, "away"));
        Assert.Single(Hosts("npm install"));
        File.Delete(Path.Combine(_project, ".npmrc"));

        string[] pieces = ["[", "]", "=", ":", "\"", "'", "://", "https://", "registry", "index-url", "url", "\n", " ", "@",
            "<add value=\"", "<packageSources>", "\0", "é", "x", "/", "<!DOCTYPE a [<!ENTITY b 'c'>]>"];
        string[] files = [".npmrc", "pip.conf", "nuget.config", "pyproject.toml", ".cargo/config"];
        var random = new Random(20261122);
        Directory.CreateDirectory(Path.Combine(_project, ".cargo"));
        for (var i = 0; i < 300; i++)
        {
            foreach (var file in files)
            {
                File.WriteAllText(Path.Combine(_project, file),
                    string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => pieces[random.Next(pieces.Length)])));
            }

            var told = Hosts("npm i; pip install x; dotnet restore; cargo fetch");
            Assert.True(told.Count <= 4 + PackageSources.MaxSources + 4);
            Assert.All(told, c => Assert.DoesNotContain(c.Sentence, char.IsControl));
        }
    }

    /// <summary>A file of the largest size that is read, with another server in each of its lines.</summary>
    [Fact]
    public void Of_a_hostile_file_a_bounded_number_is_listed_and_that_there_are_more_is_told()
    {
        var lines = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"@{i}:registry=a://{i}\n"));
        File.WriteAllText(Path.Combine(_project, ".npmrc"), lines[..Math.Min(lines.Length, ProjectText.MaxFile)]);
        var found = Find(string.Join("; ", Enumerable.Repeat("npm install", 50)));
        Assert.Equal(PackageSources.MaxSources, found.Listed.Count);
        Assert.Equal([new UnlistedSources("npm registries", ".npmrc", IsUnread: false)], found.Unlisted);
        Assert.Equal(".npmrc names more servers (npm registries) than are listed here.", Hosts("npm install")[^1].Sentence);
    }

    [Fact]
    public void No_ecosystem_hides_anothers_servers()
    {
        File.WriteAllLines(Path.Combine(_project, ".npmrc"),
            Enumerable.Range(0, PackageSources.MaxSources).Select(i => $"@{i}:registry=https://{i}.example"));
        Assert.Empty(Find("npm install").Unlisted);
        File.WriteAllText(Path.Combine(_project, "pip.conf"), "[global]\nindex-url = https://hidden.example/simple");
        Assert.Equal([new UnlistedSources("Python package indexes", "pip.conf", IsUnread: false)],
            Find("npm install; pip install x").Unlisted);
    }

    [Theory]
    [InlineData("large")]
    [InlineData("binary")]
    public void A_file_that_is_not_read_is_told(string kind)
    {
        File.WriteAllText(Path.Combine(_project, ".npmrc"),
            (kind == "large" ? new string('\n', ProjectText.MaxFile) : "\0\n") + "registry=https://hidden.example");
        Assert.Equal([new UnlistedSources("npm registries", ".npmrc", IsUnread: true)], Find("npm install").Unlisted);
        Assert.Contains("was not read", Hosts("npm install")[^1].Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a=b\rregistry=https://hidden.example")]
    [InlineData("many")]
    public void No_line_hides_a_server(string text)
    {
        File.WriteAllText(Path.Combine(_project, ".npmrc"),
            text == "many" ? new string('\n', 200_000) + "registry=https://hidden.example" : text);
        Assert.Equal("hidden.example", Assert.Single(Find("npm install").Listed).Host);
    }

    private PackageServers Find(string command)
        => PackageSources.Find(new ProjectText(_project), RiskAssessor.Assess(command, _project, _project), s_noEnvironment, home: null);

    private List<Consequence> Hosts(string command, Dictionary<string, string>? environment = null, string? home = null)
    {
        var risk = RiskAssessor.Assess(command, _project, _project);
        var pins = CommandPins.Take(_project, _project, command, environment ?? s_noEnvironment, home);
        var (_, shown) = pins.Shown(new CommandSubject(command, _project, "bash", "{}"),
            new RiskInfo(risk.Tier, risk.Understood, risk.Reversible, risk.Consequences));
        return [.. shown!.Consequences.Where(c => c.Kind == ConsequenceKind.ReachesHost)];
    }
}
