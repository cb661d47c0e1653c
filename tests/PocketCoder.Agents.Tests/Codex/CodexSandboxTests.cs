using PocketCoder.Agents;
using PocketCoder.Agents.Codex;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>What is known of Codex's logins and settings before it starts, and what a room's folder is made of.</summary>
[Trait("Category", "Slow")]
public sealed class CodexSandboxTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    private string Home => Directory.CreateDirectory(Path.Combine(_folder.FullName, "codex")).FullName;

    private string State => Directory.CreateDirectory(Path.Combine(_folder.FullName, "state")).FullName;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("CODEX_API_KEY=first OPENAI_API_KEY=second", """{"OPENAI_API_KEY":"stored"}""", "", "first", null)]
    [InlineData("OPENAI_API_KEY=second", """{"OPENAI_API_KEY":"stored"}""", "", "second", null)]
    [InlineData("", """{"auth_mode":"apikey","OPENAI_API_KEY":"stored","tokens":null}""", "model = \"gpt-5.5\"", "stored", null)]
    [InlineData("", """{"OPENAI_API_KEY":"stored","tokens":{"access_token":"a","refresh_token":"r"}}""", "", null, "ChatGPT")]
    [InlineData("OPENAI_API_KEY=second", "{}", "[profiles.a]\n\"model_provider\" = \"azure\"", null, "provider of their own")]
    [InlineData("OPENAI_API_KEY=second", "{}", "openai_base_url='http://elsewhere.test'", null, "provider of their own")]
    [InlineData("", "{}", "profiles = { a = { model_provider = \"mine\" } }", null, "provider of their own")]
    [InlineData("", "{}", "cli_auth_credentials_store = \"keyring\"", null, "only it looks")]
    [InlineData("OPENAI_API_KEY=second", "{}",
        "model_provider = \"openai\"\n# model_provider = \"mine\"\ncli_auth_credentials_store = \"file\"", "second", null)]
    [InlineData("", "[1]", "", null, null)]
    [InlineData("", "{", "", null, null)]
    public void A_key_is_found_where_Codex_would_and_what_only_it_can_use_is_left_to_it(
        string variables, string login, string settings, string? key, string? onlyByItself)
    {
        File.WriteAllText(Path.Combine(Home, "auth.json"), login);
        File.WriteAllText(Path.Combine(Home, "config.toml"), settings);
        var environment = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(v => v.Split('='))
            .ToDictionary(v => v[0], v => v[1], StringComparer.Ordinal);
        environment["CODEX_HOME"] = Home;
        var models = CodexLogin.From(environment);
        Assert.Equal(("openai", key), (models.Provider, models.Key));
        Assert.Null(models.Login());
        if (onlyByItself is null)
        {
            Assert.Null(models.OnlyByItself);
        }
        else
        {
            Assert.Contains(onlyByItself, models.OnlyByItself, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("https://models.test/v1", "https://models.test/")]
    [InlineData("https://models.test/openai/v1/", "https://models.test/openai")]
    [InlineData("https://models.test", "https://models.test/")]
    [InlineData("file:///etc/passwd", null)]
    [InlineData("", null)]
    public void The_base_address_of_the_environment_is_taken_without_its_version(string given, string? expected)
        => Assert.Equal(
            expected,
            CodexLogin.From(new Dictionary<string, string>(StringComparer.Ordinal)
            { ["CODEX_HOME"] = Home, ["OPENAI_BASE_URL"] = given }).BaseUrl?.ToString());

    [Fact]
    public void Of_the_settings_only_the_models_at_the_top_are_taken()
    {
        Assert.Equal(new CodexSettings("gpt-5.5", "high", null),
            CodexSettings.Parse("model = \"gpt-5.5\" # mine\r\nmodel_reasoning_effort='high'\n[profiles.x]\nmodel = \"other\"\n"));
        Assert.Equal(new CodexSettings(null, null, null),
            CodexSettings.Parse("model = \"a\\\"b\"\nmodel_reasoning_effort = \"x\", evil = 1\n"));
    }

    [Fact]
    public void Any_settings_are_read_without_a_fault()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] pieces = ["model", "_provider", "=", "\"", "'", "\n", "[", "]", "#", " ", "{", "}", "gpt-5.5", "\\", "\0", "\r", "é",
            "\ud83d", "model_reasoning_effort", "openai"];
        for (var i = 0; i < 20_000; i++)
        {
            var settings = CodexSettings.Parse(
                string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => pieces[random.Next(pieces.Length)])));
            Assert.All((string?[])[settings.Model, settings.Effort],
                v => Assert.True(v?.All(c => char.IsAsciiLetterOrDigit(c) || "._:/-".Contains(c, StringComparison.Ordinal)) ?? true));
        }
    }

    [Fact]
    public void The_arguments_say_the_way_to_the_models_and_never_the_credential()
    {
        var arguments = CodexArguments.For("/p", new AgentModelAccess("http://127.0.0.1:8787/openai/v1", "the-credential", isLogin: false),
            new CodexSettings("m", null, null));
        Assert.Contains("model_provider=\"pocketcoder\"", arguments);
        Assert.Contains(arguments, a => a.Contains("base_url=\"http://127.0.0.1:8787/openai/v1\"", StringComparison.Ordinal));
        Assert.Contains("model=\"m\"", arguments);
        Assert.DoesNotContain(arguments, a => a.Contains("the-credential", StringComparison.Ordinal));
        Assert.DoesNotContain(CodexArguments.For("/p"), a => a.Contains("model", StringComparison.Ordinal));
        Assert.Contains("projects={\"/p\"={trust_level=\"untrusted\"}}", CodexArguments.For("/p", project: "/p"));
        Assert.Contains(
            "projects={\"/p/web\"={trust_level=\"untrusted\"},\"/p\"={trust_level=\"untrusted\"}}",
            CodexArguments.For("/p/web", project: "/p"));
    }

    [Fact]
    public void Settings_of_an_earlier_run_are_taken_away_and_links_that_it_planted_lead_nowhere()
    {
        File.WriteAllText(Path.Combine(Home, "AGENTS.md"), "be kind");
        File.WriteAllText(Path.Combine(Home, "auth.json"), "theirs");
        var victim = Path.Combine(_folder.FullName, "victim");
        File.WriteAllText(victim, "untouched");
        File.WriteAllText(Path.Combine(State, "config.toml"), "planted");
        File.CreateSymbolicLink(Path.Combine(State, "AGENTS.md"), victim);
        File.CreateSymbolicLink(Path.Combine(State, "auth.json"), victim);

        CodexSandbox.Prepare(State, Home);
        Assert.Equal("untouched", File.ReadAllText(victim));
        Assert.Equal("be kind", File.ReadAllText(Path.Combine(State, "AGENTS.md")));
        Assert.Equal(["AGENTS.md"], Directory.EnumerateFileSystemEntries(State).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_program_itself_is_found_behind_what_npm_puts_into_the_path()
    {
        var program = CodexSandbox.Program(await PocketCoder.Testing.Agents.RealAgents.ProgramAsync("codex"));
        Assert.Equal("codex", Path.GetFileName(program));
        Assert.True(new FileInfo(program).Length > 1 << 20);

        var alone = Path.Combine(_folder.FullName, "node_modules", "@openai", "codex", "bin");
        Directory.CreateDirectory(alone);
        File.WriteAllText(Path.Combine(alone, "codex.js"), "");
        Assert.Throws<AgentException>(() => CodexSandbox.Program(Path.Combine(alone, "codex.js")));
    }
}
