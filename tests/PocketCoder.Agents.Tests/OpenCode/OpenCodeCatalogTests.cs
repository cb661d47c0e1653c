using System.Text.Json;
using PocketCoder.Agents.OpenCode;

namespace PocketCoder.Agents.Tests.OpenCode;

/// <summary>When an OpenCode in a room is given what the person's OpenCode knows of its provider's models.</summary>
public sealed class OpenCodeCatalogTests : IDisposable
{
    private const string Models =
        """{"a-1":{"id":"a-1","name":"A 1","limit":{"context":1000,"output":100},"cost":{"input":3,"output":15}}}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private readonly string _program;

    public OpenCodeCatalogTests()
    {
        _program = Path.Combine(_folder.FullName, "opencode");
        File.WriteAllText(_program, "");
        File.SetLastWriteTimeUtc(_program, new DateTime(2026, 1, 2, 0, 0, 0, DateTimeKind.Utc));
    }

    private string List => Path.Combine(
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "opencode-cache", "opencode")).FullName, "models.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void One_providers_part_is_given_as_it_is()
    {
        Write("""{"other":{"id":"other"},"anthropic":{"id":"anthropic","npm":"@ai-sdk/anthropic","name":"Anthropic","api":"https://elsewhere.example","env":["ANTHROPIC_API_KEY"],"models":%}}""");
        using var part = JsonDocument.Parse(Find("a-1")!);
        var provider = Assert.Single(part.RootElement.EnumerateObject());
        Assert.Equal("anthropic", provider.Name);
        Assert.Equal(["id", "npm", "name", "env", "models"], provider.Value.EnumerateObject().Select(m => m.Name)); // and no address
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(Models).RootElement, provider.Value.GetProperty("models")));
    }

    [Fact]
    public void Nothing_but_facts_about_models_is_given()
    {
        Write("""{"anthropic":{"id":"anthropic","npm":"@ai-sdk/anthropic","options":{"baseURL":"https://elsewhere.example"},"models":{"a-1":{"id":"a-1","headers":{"x":"y"},"options":{},"experimental":{"modes":{}}}}}}""");
        Assert.Equal(
            """{"anthropic":{"id":"anthropic","npm":"@ai-sdk/anthropic","name":"anthropic","env":[],"models":{"a-1":{"id":"a-1"}}}}""",
            System.Text.Encoding.UTF8.GetString(Find("a-1")!).Trim());
    }

    [Theory]
    [InlineData("""{"anthropic":{"id":"anthropic","npm":"@ai-sdk/evil","models":%}}""")]
    [InlineData("""{"anthropic":{"id":"other","npm":"@ai-sdk/anthropic","models":%}}""")]
    [InlineData("""{"anthropic":{"id":"anthropic","npm":"@ai-sdk/anthropic"}}""")]
    [InlineData("""{"anthropic":{"id":"anthropic","npm":"@ai-sdk/anthropic","models":{"a-1":{"provider":{"npm":"evil"}}}}}""")]
    [InlineData("""{"anthropic":{"id":"anthropic","npm":"@ai-sdk/anthropic","models":{"a-1":7}}}""")]
    [InlineData("""{"openai":{"id":"openai"}}""")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("")]
    public void What_is_not_as_expected_is_not_used(string list)
    {
        Write(list);
        Assert.Null(Find("a-1"));
    }

    [Fact]
    public void A_list_that_is_older_than_the_program_or_lacks_the_model_is_not_used()
    {
        Assert.Null(Find(null)); // there is none
        Write("""{"anthropic":{"id":"anthropic","npm":"@ai-sdk/anthropic","models":%}}""");
        Assert.NotNull(Find(null));
        Assert.Null(Find("a-2"));
        File.SetLastWriteTimeUtc(List, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Null(Find(null));
    }

    private void Write(string list) => File.WriteAllText(List, list.Replace("%", Models, StringComparison.Ordinal));

    private byte[]? Find(string? model) => OpenCodeCatalog.For(
        "anthropic", model, _program, new Dictionary<string, string>(StringComparer.Ordinal)
        { ["XDG_CACHE_HOME"] = Path.Combine(_folder.FullName, "opencode-cache") });
}
