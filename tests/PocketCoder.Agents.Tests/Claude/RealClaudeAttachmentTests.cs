using PocketCoder.Agents.Tests.Shared;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The real program against the scripted model: pictures and files with a prompt, copies of a conversation.</summary>
[Trait("Category", "Slow")]
public sealed class RealClaudeAttachmentTests(RealClaudeFixture claude) : IClassFixture<RealClaudeFixture>
{
    [Fact]
    public async Task A_picture_reaches_the_model_and_a_file_that_was_sent_is_read_without_a_question()
    {
        using var home = claude.NewHome();
        await new PromptStories(
            claude.Model, RealClaudeFixture.Start(home), start => RealClaudeFixture.StartAsync(home, start)).SendsFilesAsync();
    }

    [Fact]
    public async Task A_copy_of_a_conversation_goes_on_by_itself_from_its_end_or_from_an_earlier_turn()
    {
        using var home = claude.NewHome();
        await new PromptStories(claude.Model, RealClaudeFixture.Start(home),
            start => RealClaudeFixture.StartAsync(home, start)).CopiesAsync(Path.Combine(home.ConfigDirectory, "projects"));
    }
}
