namespace PocketCoder.Risks.Tests;

/// <summary>Words that mix writing systems: letters that look like others.</summary>
public sealed class MixedScriptTests
{
    [Theory]
    [InlineData("rm -rf /srv/dаta", "U+0430")] // Cyrillic а
    [InlineData("curl https://gооgle.com", "U+043E")]
    [InlineData("cat pаsswd.txt", "U+0430")]
    [InlineData("git рush", "U+0440")]
    [InlineData("echo Ωmega", "U+03A9")]
    [InlineData("echo grοup", "U+03BF")]
    [InlineData("echo ոame", "U+0578")] // Armenian
    [InlineData("echo Ꭺpple", "U+13AA")] // Cherokee
    [InlineData("echo жλ", "U+03BB")] // neither is Latin
    [InlineData("echo x٣", "U+0663")] // an Arabic digit
    [InlineData("echo foo_бar", "U+0431")]
    [InlineData("echo 中д", "U+0434")]
    public void Are_told_with_the_letters_that_do_not_belong(string command, string letter)
    {
        var risk = RiskAssessor.Assess(command, "/home/me/proj", "/home/me/proj", "/home/me");
        Assert.False(risk.Understood);
        Assert.NotEqual(RiskTier.Read, risk.Tier);
        var told = Assert.Single(risk.Consequences, c => c.Kind == ConsequenceKind.HiddenText);
        Assert.Contains(letter, told.Subject, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo 'привет мир'")]
    [InlineData("echo naïve Ångström façade")]
    [InlineData("echo '中文 README を読む 한국어'")]
    [InlineData("echo JavaScript入門 abc漢字かな")]
    [InlineData("echo Ελληνικά")]
    [InlineData("echo שלום")]
    [InlineData("echo हिन्दी")]
    [InlineData("echo '×÷±°²½'")]
    public void Whole_words_of_a_language_are_nothing_to_tell(string command)
        => Assert.Equal(RiskTier.Read, RiskAssessor.Assess(command, "/home/me/proj", "/home/me/proj", "/home/me").Tier);

    [Fact]
    public void Any_letter_of_one_script_put_into_a_word_of_another_is_found()
    {
        var random = new Random(77);
        string[] alphabets = ["abcdefghijklmnopqrstuvwxyz", "абвгдежзиклмнопрстуфхцчшщ", "αβγδεζηθικλμνξοπρστυφχψω", "աբգդեզէըթժիլխծկ",
            "აბგდევზთიკლმ", "אבגדהוזחטיכלמ", "ابتثجحخدذر", "कखगघचछजझ", "กขคงจฉช"];
        for (var i = 0; i < 2_000; i++)
        {
            var (main, other) = (alphabets[random.Next(alphabets.Length)], alphabets[random.Next(alphabets.Length)]);
            if (main == other)
            {
                continue;
            }

            var word = string.Concat(Enumerable.Range(0, random.Next(1, 8)).Select(_ => main[random.Next(main.Length)]));
            word = word.Insert(random.Next(word.Length + 1), other[random.Next(other.Length)].ToString());
            Assert.True(RiskAssessor.Assess($"echo {word}", "/p", "/p", "/home/me").Consequences.Any(
                c => c.Kind == ConsequenceKind.HiddenText), word);
            Assert.Contains("\\u{", RiskAssessor.AssessEdit($"src/{word}", "/p", "/home/me").Consequences.Single(
                c => c.Kind == ConsequenceKind.WritesPath).Sentence, StringComparison.Ordinal);
        }
    }
}
