namespace PocketCoder.Risks.Tests;

/// <summary>Text that is made to hurt: long, deep, many. It is answered, and never with green.</summary>
public sealed class LimitTests
{
    public static TheoryData<string> Hostile()
    {
        const int Many = 1_000;
        return
        [
            new string('a', (64 * 1024) + 1),
            new string('é', 40_000),
            Repeat("(", Many) + "ls" + Repeat(")", Many),
            Repeat("{ ", Many) + "ls;" + Repeat(" }", Many),
            Repeat("echo $(", Many) + "ls" + Repeat(")", Many),
            Repeat("$((", Many),
            Repeat("$(( 1 + ", Many) + "1" + Repeat(" ))", Many),
            Repeat("echo \"$(", Many) + "ls" + Repeat(")\"", Many),
            Repeat("${x:-", Many) + "ls" + Repeat("}", Many),
            Repeat("if true; then ", Many) + "ls" + Repeat("; fi", Many),
            Repeat("f() { ", Many) + "ls" + Repeat("; }", Many),
            Repeat("bash -c ", Many) + "ls",
            Repeat("env ", Many) + "ls",
            Repeat("sudo ", Many) + "ls",
            Repeat("xargs ", Many) + "ls",
            Repeat("eval ", Many) + "ls",
            Repeat("find . -exec ", Many) + "ls",
            Repeat("{", Many) + "a,b" + Repeat("}", Many),
            "echo " + Repeat("{a,b}", 60),
            "echo {1..999999999}",
            Repeat("[[ ( ", Many),
            Repeat("case x in x) ", Many),
            Repeat("for i in 1 2 3 4 5 6 7 8; do ", 12) + "ls" + Repeat("; done", 12),
            Repeat("ls;", 20_000),
            Repeat("rm x" + "; ", 5_000),
            string.Concat(Enumerable.Range(0, 3_000).Select(i => $"touch f{i};")),
            Repeat("`", Many),
            Repeat("\\`", Many),
            Repeat("<<E ", Many),
            "cat " + Repeat("<<E ", Many) + "\n" + Repeat("E\n", Many),
            Repeat("a/", 32_000),
            "cat " + Repeat("../", 20_000) + "etc/shadow",
            Repeat("f(){ f; };", 900) + "f",
            "a(){ b; b; };b(){ c; c; };c(){ d; d; };d(){ e; e; };e(){ g; g; };g(){ h; h; };h(){ i; i; };i(){ j; j; };j(){ k; k; };k(){ l; l; };l(){ m; m; };m(){ n; n; };n(){ ls; };a",
            "\ud800",
            "ls \udfff",
        ];
    }

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Hostile_text_is_answered_and_is_never_green(string command)
    {
        var risk = RiskAssessor.Assess(command, "/home/me/proj", "/home/me/proj", "/home/me");
        if (risk.Understood)
        {
            // Only what is long and plain may be understood.
            Assert.True(risk.Consequences.Count <= RiskLimits.MaxConsequences);
            Assert.True(command.Length < RiskLimits.MaxCommandBytes);
        }
        else
        {
            Assert.NotEqual(RiskTier.Read, risk.Tier);
            Assert.NotEmpty(risk.Consequences);
        }
    }

    [Theory]
    [InlineData("ls", true, true)]
    [InlineData("dotnet test", false, true)]
    [InlineData("./deploy.sh prod", false, true)]
    [InlineData("python3 -c 'x'", false, true)]
    [InlineData("npm test -- $X", false, true)]
    [InlineData("$X", false, false)]
    [InlineData("bash -c \"$X\"", false, false)]
    [InlineData("PATH=. ls", false, false)]
    [InlineData("eval ls", false, false)]
    public void A_rule_may_be_matched_only_where_every_command_is_named(string command, bool understood, bool complete)
    {
        var risk = RiskAssessor.Assess(command, "/home/me/proj", "/home/me/proj", "/home/me");
        Assert.Equal(understood, risk.Understood);
        Assert.Equal(complete, risk.Complete);
    }

    [Fact]
    public void Every_command_is_listed_with_what_is_around_it()
    {
        var risk = RiskAssessor.Assess(
            "sudo timeout 5 rm -rf 'a b' && find . -exec touch {} \\; | cat", "/home/me/proj", "/home/me/proj", "/home/me");
        var shown = risk.Commands.Select(c => $"[{string.Join('>', c.Via)}] {string.Join('|', c.Argv)}").ToList();
        Assert.Contains("[sudo>timeout] rm|-rf|a b", shown);
        Assert.Contains("[sudo] timeout|5|rm|-rf|a b", shown);
        Assert.Contains("[find] touch|./*", shown);
        Assert.Contains("[] cat", shown);
        Assert.False(risk.Commands.Single(c => c.Argv[0] == "touch").Exact);
    }

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));
}
