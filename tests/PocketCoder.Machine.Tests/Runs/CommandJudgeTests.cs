using System.Text;
using System.Text.RegularExpressions;
using PocketCoder.Machine.Runs.Rules;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Runs;

/// <summary>What rules say of commands, whatever is written to get round them.</summary>
public sealed class CommandJudgeTests
{
    private static readonly CommandPolicy s_policy = new(
        CommandVerdict.Allow,
        [new(CommandVerdict.Deny, "git push*"), new(CommandVerdict.Deny, "* --force"), new(CommandVerdict.Ask, "rm *"),
            new(CommandVerdict.Ask, "sudo *"), new(CommandVerdict.Allow, "npm test*"), new(CommandVerdict.Allow, "ls")]);

    private static Judgement Judge(
        CommandPolicy policy, string command, string? stdin = null, IReadOnlyDictionary<string, string>? environment = null)
        => CommandJudge.Judge(policy,
            new CommandExecRequest(Guid.CreateVersion7(), Guid.CreateVersion7(), command, null, environment, stdin), "/tmp", "/tmp");

    [Theory]
    [InlineData("git push", CommandVerdict.Deny)]
    [InlineData("  git   push origin main", CommandVerdict.Deny)]
    [InlineData("/usr/bin/git push", CommandVerdict.Deny)]
    [InlineData("g''it \"push\"", CommandVerdict.Deny)]
    [InlineData("true && git push", CommandVerdict.Deny)]
    [InlineData("echo $(git push)", CommandVerdict.Deny)]
    [InlineData("ls | xargs git push", CommandVerdict.Deny)]
    [InlineData("sudo git push", CommandVerdict.Deny)]
    [InlineData("bash -c 'git push'", CommandVerdict.Deny)]
    [InlineData("if true; then git push; fi", CommandVerdict.Deny)]
    [InlineData("npm test; git push", CommandVerdict.Deny)]
    [InlineData("deploy --force", CommandVerdict.Deny)]
    [InlineData("rm -rf build", CommandVerdict.Ask)]
    [InlineData("find . -exec rm {} \\;", CommandVerdict.Ask)]
    [InlineData("sudo ls", CommandVerdict.Ask)]
    [InlineData("eval \"$X\"", CommandVerdict.Ask)]
    [InlineData("$X push", CommandVerdict.Ask)]
    [InlineData("echo 'unclosed", CommandVerdict.Ask)]
    [InlineData("git status", CommandVerdict.Allow)]
    [InlineData("echo git push", CommandVerdict.Allow)]
    public void What_is_denied_or_asked_about_is_found_wherever_the_shell_would_start_it(string command, CommandVerdict verdict)
        => Assert.Equal(verdict, Judge(s_policy, command).Verdict);

    [Theory]
    [InlineData("npm test", "allow: npm test*")]
    [InlineData("npm test -- --grep 'a b'", "allow: npm test*")]
    [InlineData("npm test 2>&1 | ls", "allow: npm test*; allow: ls")]
    [InlineData("ls > /dev/null", "allow: ls")]
    [InlineData("ls -la", null)]
    [InlineData("npm test; curl example.com", null)]
    [InlineData("npm test > ~/.bashrc", null)]
    [InlineData("ls > x/dev/null", null)]
    [InlineData("ls > /dev/nullx", null)]
    [InlineData("ls 2>&1x", null)]
    [InlineData("ls < /etc/passwd", null)]
    [InlineData("npm test `curl example.com`", null)]
    [InlineData("npm test $X", null)]
    [InlineData("npm test <(curl example.com)", null)]
    [InlineData("npm test\ncurl example.com", null)]
    [InlineData("npm test & curl example.com", null)]
    public void An_allowing_rule_covers_what_can_be_read_whole_and_nothing_beside_it(string command, string? rule)
    {
        var judged = Judge(s_policy with { Otherwise = CommandVerdict.Deny }, command);
        Assert.Equal(rule is null ? (CommandVerdict.Deny, "deny: no rule matches") : (CommandVerdict.Allow, rule),
            (judged.Verdict, judged.Rule));
    }

    [Theory]
    [InlineData("/lib64/ld-linux-x86-64.so.2 /usr/bin/git push", CommandVerdict.Deny)]
    [InlineData("tar cf a --checkpoint=1 --checkpoint-action=exec='git push' b", CommandVerdict.Deny)]
    [InlineData("tar -I 'git push' -cf a b", CommandVerdict.Deny)]
    [InlineData("gdb -batch -ex 'shell git push'", CommandVerdict.Deny)]
    [InlineData("gdb --args git push", CommandVerdict.Deny)]
    [InlineData("sed '1e git push' a", CommandVerdict.Deny)]
    [InlineData("ssh -o ProxyCommand='git push' host", CommandVerdict.Deny)]
    [InlineData("rsync -e 'git push' a b:c", CommandVerdict.Deny)]
    [InlineData("poetry run git push", CommandVerdict.Deny)]
    [InlineData("npx -c 'git push'", CommandVerdict.Deny)]
    [InlineData("env -S 'git push'", CommandVerdict.Deny)]
    [InlineData("script -c 'git push' x", CommandVerdict.Deny)]
    [InlineData("timeout 5 nice setsid git push", CommandVerdict.Deny)]
    [InlineData("python3 -c 'import os; os.system(\"git push\")'", CommandVerdict.Ask)]
    [InlineData("perl -e 'exec qw(git push)'", CommandVerdict.Ask)]
    [InlineData("node -e 'x'", CommandVerdict.Ask)]
    [InlineData("vim -c '!git push'", CommandVerdict.Ask)]
    [InlineData("awk 'BEGIN{system(\"git \" \"push\")}'", CommandVerdict.Ask)]
    [InlineData("sed 's/.*/git push/e' a", CommandVerdict.Ask)]
    [InlineData("git -c alias.p=push p", CommandVerdict.Ask)]
    [InlineData("git p", CommandVerdict.Ask)]
    [InlineData("make -f - <<< 'x:;git push'", CommandVerdict.Ask)]
    [InlineData("gdb -x script", CommandVerdict.Ask)]
    [InlineData("nice --unknown git x", CommandVerdict.Ask)]
    [InlineData("python3 tool.py", CommandVerdict.Allow)]
    [InlineData("make all", CommandVerdict.Allow)]
    public void What_starts_other_programs_is_seen_through_or_asked_about(string command, CommandVerdict verdict)
        => Assert.Equal(verdict, Judge(s_policy, command).Verdict);

    [Theory]
    [InlineData("gdb *", "gdb -ex 'shell x'")]
    [InlineData("tar *", "tar cf a --checkpoint=1 --checkpoint-action=exec=x b")]
    [InlineData("find *", "find . -exec touch x ;")]
    [InlineData("find *", "find . -exec touch x \\;")]
    [InlineData("timeout *", "timeout 5 touch x")]
    [InlineData("sed *", "sed '1e touch x' a")]
    [InlineData("awk *", "awk 'BEGIN{system(1)}'")]
    [InlineData("python3 *", "python3 -c x")]
    [InlineData("make *", "make SHELL=./x")]
    [InlineData("ssh *", "ssh -oProxyCommand=x host")]
    [InlineData("/lib64/ld-linux-x86-64.so.2 *", "/lib64/ld-linux-x86-64.so.2 /bin/touch x")]
    [InlineData("strace *", "strace touch x")]
    [InlineData("git *", "git -c core.pager=x log")]
    public void A_rule_that_allows_a_program_does_not_allow_what_that_one_starts(string rule, string command)
    {
        var policy = new CommandPolicy(CommandVerdict.Ask, [new CommandRule(CommandVerdict.Allow, rule)]);
        Assert.Equal(CommandVerdict.Ask, Judge(policy, command).Verdict);
        Assert.Equal(CommandVerdict.Allow, Judge(policy with
        {
            Rules = [new CommandRule(CommandVerdict.Allow,
            command.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal))]
        }, command).Verdict);
    }

    [Fact]
    public void A_wrapper_and_what_it_starts_are_allowed_when_both_are()
    {
        var policy = new CommandPolicy(
            CommandVerdict.Ask, [new CommandRule(CommandVerdict.Allow, "timeout *"), new CommandRule(CommandVerdict.Allow, "npm test*")]);
        Assert.Equal(CommandVerdict.Allow, Judge(policy, "timeout 60 npm test").Verdict);
    }

    [Fact]
    public void Variables_and_input_of_its_own_are_not_what_was_allowed_and_a_line_to_the_letter_is()
    {
        var closed = s_policy with { Otherwise = CommandVerdict.Ask };
        Assert.Equal(CommandVerdict.Ask, Judge(closed, "ls", stdin: "x").Verdict);
        Assert.Equal(CommandVerdict.Ask, Judge(closed, "ls", environment: new Dictionary<string, string> { ["PATH"] = "." }).Verdict);
        Assert.Equal(CommandVerdict.Ask, Judge(closed, "PATH=. ls").Verdict);
        var letter = new CommandPolicy(CommandVerdict.Deny, [new CommandRule(CommandVerdict.Allow, @"make > log; echo $? \*")]);
        Assert.Equal(CommandVerdict.Allow, Judge(letter, "make > log; echo $? *").Verdict);
        Assert.Equal(CommandVerdict.Deny, Judge(letter, "make > log; echo $? *x").Verdict);
        Assert.Equal(new Judgement(CommandVerdict.Allow, null), Judge(CommandPolicies.None, "eval $X"));
    }

    [Fact]
    public void A_pattern_matches_as_a_regular_expression_of_the_same_meaning_does_and_nothing_makes_it_throw()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string Text(string alphabet, int most)
            => new([.. Enumerable.Range(0, random.Next(most)).Select(_ => alphabet[random.Next(alphabet.Length)])]);
        for (var i = 0; i < 4_000; i++)
        {
            var (pattern, text) = (Text("ab*\\ ", 8), Text("ab*\\ ", 10));
            var meaning = new StringBuilder("^");
            for (var at = 0; at < pattern.Length; at++)
            {
                meaning.Append(pattern[at] == '\\' && at + 1 < pattern.Length && pattern[at + 1] is '*' or '\\' && at + 1 < pattern.Length
                    ? Regex.Escape(pattern[++at].ToString()) : pattern[at] == '*' ? ".*" : Regex.Escape(pattern[at].ToString()));
            }

            Assert.True(Regex.IsMatch(text, meaning + "$", RegexOptions.NonBacktracking) == CommandPattern.Parse(pattern).Matches(text),
                $"pattern '{pattern}', text '{text}'");
        }

        for (var i = 0; i < 2_000; i++)
        {
            _ = Judge(s_policy, "x" + Text("ab'\"\\$`(){}<>|&;*~\n\u202e rm git push", 60));
        }
    }
}
