using System.Globalization;
using System.Text;
using PocketCoder.Agents;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Sessions;

public sealed class TitleTests
{
    [Theory]
    [InlineData("hello", "hello")]
    [InlineData("\n\n  ## Fix the **login** page  \nmore", "Fix the login page")]
    [InlineData("confirm: rm the old logs", "rm the old logs")]
    [InlineData("```sh\nls -la\n```\nWhat does this print?", "What does this print?")]
    [InlineData("```sh\nls -la\n```", "ls -la")]
    [InlineData("- [ ] see [the docs](https://example.org/a) and `run_it.sh`", "see the docs and run_it.sh")]
    [InlineData("run: touch a_b.txt src/*.cs", "run: touch a_b.txt src/*.cs")]
    [InlineData("Look at\u202e this\u200b page", "Look at this page")]
    [InlineData("Please make the settings page remember which of its sections was open last",
        "Please make the settings page remember which of its…")]
    [InlineData("   \n```\n\n```", "Session")]
    public void A_title_is_the_first_line_that_says_something_as_whole_words(string prompt, string title)
        => Assert.Equal(title, SessionTitle.Of(prompt));

    [Fact]
    public void Whatever_is_written_its_title_can_be_shown()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var pieces = new[] { "```", "\n", "*", "_", "[", "](", ")", "confirm:", "\ud83d\ude00", "e\u0301", "\u202e", "\0", " ", "word", "#",
            "`", "\ud800", "1. ", new string('x', 70) };
        for (var i = 0; i < 3000; i++)
        {
            var prompt = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => pieces[random.Next(pieces.Length)]));

            var title = SessionTitle.Of(prompt);

            Assert.True(title.Length is > 0 and <= Limits.NameLength, $"seed {seed}: {prompt}");
            Assert.True(new StringInfo(title).LengthInTextElements <= SessionTitle.Longest, $"seed {seed}: {prompt}");
            Assert.DoesNotContain(title, char.IsControl);
            Assert.Equal(title.Trim(), title);
        }
    }

    [Fact]
    public void What_an_agent_offers_is_held_to_a_size_and_to_names_that_can_be_typed()
    {
        var ready = new AgentReady("x")
        {
            Commands =
            [
                new("/review", "Line one\nline two"), new("review", "again"), new("two words", ""), new("", ""),
                new(new string('n', 65), ""), new("a\u0007b", ""),
                .. Enumerable.Range(0, 300).Select(i => new AgentCommand($"c{i}", new string('d', 500))),
            ],
            Models = [new("m", " ") { Efforts = ["low", "", "no good"] }, new("m", "twice"), new("bad id", "x")],
        };

        var commands = Offers.Commands(ready);
        var model = Assert.Single(Offers.Models(ready));

        Assert.Equal(200, commands.Count);
        Assert.Equal(new CommandInfo("review", "Line one"), commands[0]);
        Assert.All(commands, c => Assert.True(c.Description.Length <= 200));
        Assert.Equal(("m", "m"), (model.Id, model.Name));
        Assert.Equal(["low"], model.Efforts);
        Assert.True(Encoding.UTF8.GetByteCount(string.Concat(commands.Select(c => c.Name + c.Description))) < 64 * 1024);
    }
}
