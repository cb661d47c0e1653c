using System.Diagnostics;
using System.Text;

namespace PocketCoder.Risks.Tests;

public sealed class FuzzTests
{
    private static readonly string[] s_pieces =
    [
        "ls", "rm", "cat", "git", "find", "env", "sudo", "xargs", "bash", "-c", "-S", "-exec", ";", "\\;", "{}", "+", "&&", "||", "|", "|&",
        "&", "\n", " ", "  ", "\t", "(", ")", "((", "))", "{", "}", "[[", "]]", "[", "]", "<", ">", ">>", "<<E", "<<-'E'", "\nE\n",
        "<<<", ">(", "<(", "&>", "2>&1",
        "'", "\"", "\\", "$", "$(", "${", "$((", "`", "$'", "\\x41", "~", "~/", "*", "?", "!", "#", "=", "+=", "x=", "IFS=", "PATH=", "if",
        "then", "else", "fi", "for", "in", "do", "done", "while", "case", "esac", ";;", "function", "f()", "f", "select", "time",
        "coproc", "{a,b}", "{1..9}", ",", "..", "/", "../", "/etc/passwd", ".env",
        "\u202e", "\u200b", "\0", "\r", "é", "\ud83d", "0", "1", "-rf", "--", "-", "$x", "$@", "${x:-", "${x@P}", "a[", "]=", "\\\n",
        "push", "-delete", "eval", "exec", "source", "alias", "trap", "cd", "..",
    ];

    [Fact]
    public void Random_text_never_throws_and_what_is_not_understood_is_never_green()
    {
        var seed = 918273;
        var clock = Stopwatch.StartNew();
        var runs = 0;
        for (; clock.Elapsed < TimeSpan.FromSeconds(4) || runs < 2_000; runs++)
        {
            var random = new Random(seed + runs);
            var text = new StringBuilder();
            for (var i = random.Next(1, 40); i > 0; i--)
            {
                text.Append(s_pieces[random.Next(s_pieces.Length)]);
                text.Append(random.Next(2) == 0 ? " " : "");
            }

            Risk risk;
            try
            {
                risk = RiskAssessor.Assess(text.ToString(), "/home/me/proj", "/home/me/proj", "/home/me", marked: true);
                MarkTests.Check(text.ToString(), risk.Marks ?? []);
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed {seed + runs}: {text}", e);
            }

            Assert.True(risk.Understood || risk.Tier != RiskTier.Read, $"seed {seed + runs}: {text}");
            Assert.True(risk.Complete || !risk.Understood, $"seed {seed + runs}: {text}");
        }
    }

    [Fact]
    public void Random_paths_are_judged_like_the_framework_judges_them()
    {
        var random = new Random(5);
        string[] parts = ["..", ".", "a", "b", "", "proj", "me", "home", "c.cs", "..a", "a.."];
        for (var i = 0; i < 5_000; i++)
        {
            var path = (random.Next(4) == 0 ? "/" : "") + string.Join(
                '/', Enumerable.Range(0, random.Next(1, 8)).Select(_ => parts[random.Next(parts.Length)]));
            if (path.Length == 0)
            {
                continue;
            }

            var full = Path.GetFullPath(Path.Combine("/no-such-home/me/proj", path)).TrimEnd('/');
            var inside = full == "/no-such-home/me/proj" || full.StartsWith("/no-such-home/me/proj/", StringComparison.Ordinal);
            var risk = RiskAssessor.AssessEdit(path, "/no-such-home/me/proj", "/no-such-home/me");
            Assert.True(inside == (risk.Tier == RiskTier.WorkspaceWrite), $"{path} is {full}");
        }
    }
}
