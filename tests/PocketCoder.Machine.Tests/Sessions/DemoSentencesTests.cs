using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Sessions;

public sealed class DemoSentencesTests
{
    [Theory]
    [InlineData("Make a hello page", ApprovalKind.Edit, null)]
    [InlineData("please make me a HELLO world web page", ApprovalKind.Edit, null)]
    [InlineData("制作一个问候网页", ApprovalKind.Edit, null)]
    [InlineData("Delete the build folder", ApprovalKind.Command, RiskTier.Destructive)]
    [InlineData("List the files", ApprovalKind.Command, RiskTier.Read)]
    [InlineData("Ask me a question", ApprovalKind.Question, null)]
    [InlineData("Make a plan", ApprovalKind.Plan, null)]
    public async Task A_plain_sentence_shows_one_kind_of_request(string sentence, ApprovalKind kind, RiskTier? tier)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync(sentence);
        var asked = await phone.AskedAsync();
        Assert.Equal(kind, asked.Kind);
        if (tier is not null)
        {
            Assert.Equal(tier, asked.Risk!.Tier);
        }
    }

    [Theory]
    [InlineData("run: echo make a hello page", "echo make a hello page")]
    [InlineData("think: a hello page\nrun: echo two", "echo two")]
    public async Task What_has_a_verb_or_more_lines_is_followed_to_the_letter(string prompt, string command)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync(prompt);
        Assert.Equal(command, Assert.IsType<CommandSubject>((await phone.AskedAsync()).Subject).Command);
    }
}
