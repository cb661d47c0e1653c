using PocketCoder.Agents;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>The real program against the scripted model: pictures and files with a prompt, copies of a conversation.</summary>
public sealed class RealCodexAttachmentTests(RealCodexFixture codex) : IClassFixture<RealCodexFixture>
{
    private const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    [Fact]
    public async Task A_picture_reaches_the_model_and_a_file_that_was_sent_is_read_without_a_question()
    {
        using var home = codex.NewHome();
        var sent = Directory.CreateTempSubdirectory("pc-sent-");
        try
        {
            var picture = Path.Combine(sent.FullName, "shot.png");
            var notes = Path.Combine(sent.FullName, "notes.txt");
            await File.WriteAllBytesAsync(picture, Convert.FromBase64String(Png));
            await File.WriteAllTextAsync(notes, "the word is lighthouse\n");
            File.CreateSymbolicLink(Path.Combine(sent.FullName, "passwd"), "/etc/passwd");
            await using var run = await RealCodexFixture.StartAsync(home, RealCodexFixture.Start(home) with { AttachmentsDirectory = sent.FullName });
            var before = codex.Model.Requests.Count;
            await run.Process.PromptAsync(
                new AgentPrompt(Guid.CreateVersion7(), $"READ: {notes}\nSAY: seen") { Note = $"Files: {picture}", Attachments = [new AgentAttachment(picture, "shot.png", "image/png"), new AgentAttachment(notes, "notes.txt", "text/plain")] },
                CancellationToken.None);
            Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
            Assert.Empty(run.Of<AgentApprovalAsked>());
            Assert.Contains(run.Of<AgentToolResult>(), r => r.Output.Contains("the word is lighthouse", StringComparison.Ordinal));
            Assert.Contains(codex.Model.Requests.Skip(before), r => r.Body.Replace("\\u002B", "+", StringComparison.Ordinal).Contains(Png, StringComparison.Ordinal));

            // A link that leads out of the folder is asked about as anything else.
            await run.PromptAsync("READ: " + Path.Combine(sent.FullName, "passwd"));
            var asked = await run.NextAsync<AgentApprovalAsked>();
            await run.AnswerAsync(asked.RequestId, new AgentAnswer.Deny("no"));
            await run.NextAsync<AgentTurnEnded>();
        }
        finally
        {
            sent.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_copy_of_a_conversation_goes_on_by_itself_from_its_end_or_from_an_earlier_turn()
    {
        using var home = codex.NewHome();
        string origin;
        AgentTurnEnded first;
        await using (var run = await RealCodexFixture.StartAsync(home))
        {
            first = await run.TurnAsync("SAY: the first word is lighthouse");
            await run.TurnAsync("SAY: the second word is harbour");
            origin = run.Of<AgentReady>()[^1].NativeId;
        }

        var file = Directory.EnumerateFiles(Path.Combine(home.ConfigDirectory, "sessions"), "*.jsonl", SearchOption.AllDirectories).Single(f => f.Contains(origin, StringComparison.Ordinal));
        var bytes = await File.ReadAllBytesAsync(file);
        foreach (var at in (string?[])[null, first.Mark])
        {
            var before = codex.Model.Requests.Count;
            await using var fork = await RealCodexFixture.StartAsync(home, RealCodexFixture.Start(home) with { ResumeId = origin, Fork = true, ForkAt = at });
            Assert.Equal(TurnOutcome.Completed, (await fork.TurnAsync("SAY: the other road")).Outcome);
            Assert.NotEqual(origin, fork.Of<AgentReady>()[^1].NativeId);
            var asked = codex.Model.Requests.Skip(before).Last(r => r.Prompt.Contains("the other road", StringComparison.Ordinal)).Body;
            Assert.Contains("lighthouse", asked, StringComparison.Ordinal);
            Assert.Equal(at is null, asked.Contains("harbour", StringComparison.Ordinal));
        }

        Assert.Equal(bytes, await File.ReadAllBytesAsync(file));
    }
}
