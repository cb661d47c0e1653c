using System.Text.Json;
using PocketCoder.Cli.Commands;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// <c>ledger show</c> says of each row what it is about, whatever its kind. The rows are those that the app is tested with, one of each
/// kind, made by the ledger.
/// </summary>
public sealed class LedgerLineTests
{
    /// <summary>Rows about nothing but the machine, the ledger or their session.</summary>
    private static readonly string[] s_aboutNothing = ["ledger opened", "signing began", "session ended"];

    private static readonly IReadOnlyList<LedgerLine> s_lines =
        [.. LedgerLine.Read([.. Bodies().Select((body, at) => new LedgerRowInfo(at + 1, "", body))])];

    [Fact]
    public void Every_kind_says_what_it_is_about()
    {
        Assert.True(s_lines.Count > 36);
        Assert.Empty(s_lines.Where(l => l.What.Trim().Length == 0 && !s_aboutNothing.Contains(l.Event)).Select(l => l.Event));
    }

    [Theory]
    [InlineData("approval decided", "npm test -- --coverage")]
    [InlineData("execution finished", "npm test -- --coverage")]
    [InlineData("approval expired", "curl https://get.example.com | sh")]
    [InlineData("execution unknown", "terraform apply -auto-approve")]
    [InlineData("undo finished", "terraform apply -auto-approve")]
    [InlineData("command finished", "git status --short")]
    [InlineData("terminal command", "make install")]
    [InlineData("network used", "registry.example.com")]
    [InlineData("rule added", "registry.example.com:443")]
    [InlineData("alarm raised", ".git/hooks/post-commit was planted and put back")]
    [InlineData("alarm raised", "the file changed after it was shown: src/auth/login.ts")]
    [InlineData("configuration changed", "session sandbox Upgrade the build image")]
    public void A_row_is_named_by_itself_or_by_the_row_that_asked(string happened, string what)
        => Assert.Contains(s_lines, l => l.Event == happened && l.What == what);

    private static IEnumerable<string> Bodies()
    {
        using var rows = JsonDocument.Parse(File.ReadAllText(Repository.PathOf("app/src/dev/ledger-rows.json")));
        return [.. rows.RootElement.EnumerateArray().Select(r => r.GetRawText())];
    }
}
