using PocketCoder.Agents;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Agents.Tests.Shared;

/// <summary>
/// What each agent that can do it must do alike: pictures and files with a prompt, copies of a conversation. With its real program.
/// </summary>
internal sealed class PromptStories(ScriptedModelServer model, AgentStart start, Func<AgentStart, Task<AgentRun>> begin)
{
    private const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    /// <summary>
    /// The picture is in what the model is sent; what was sent is read unasked, what a link in that folder leads to is not.
    /// </summary>
    public async Task SendsFilesAsync()
    {
        var sent = Directory.CreateTempSubdirectory("pc-sent-");
        try
        {
            var picture = Path.Combine(sent.FullName, "shot.png");
            var notes = Path.Combine(sent.FullName, "notes.txt");
            await File.WriteAllBytesAsync(picture, Convert.FromBase64String(Png));
            await File.WriteAllTextAsync(notes, "the word is lighthouse\n");
            File.CreateSymbolicLink(Path.Combine(sent.FullName, "passwd"), "/etc/passwd");
            await using var run = await begin(start with { AttachmentsDirectory = sent.FullName });
            var before = model.Requests.Count;
            await run.Process.PromptAsync(
                new AgentPrompt(Guid.CreateVersion7(), $"READ: {notes}\nSAY: seen")
                {
                    Note = $"Files: {picture}",
                    Attachments =
                    [new AgentAttachment(picture, "shot.png", "image/png"), new AgentAttachment(notes, "notes.txt", "text/plain")]
                },
                CancellationToken.None);
            Assert.Equal(TurnOutcome.Completed, (await run.NextAsync<AgentTurnEnded>()).Outcome);
            Assert.Empty(run.Of<AgentApprovalAsked>());
            Assert.Contains(run.Of<AgentToolResult>(), r => r.Output.Contains("the word is lighthouse", StringComparison.Ordinal));
            Assert.Contains(model.Requests.Skip(before),
                r => r.Body.Replace("\\u002B", "+", StringComparison.Ordinal).Contains(Png, StringComparison.Ordinal));

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

    /// <summary>A copy knows what was said until there and no more, and its origin's file stays as it is to the byte.</summary>
    /// <param name="transcripts">Where the agent keeps its conversations.</param>
    public async Task CopiesAsync(string transcripts)
    {
        string origin;
        AgentTurnEnded first;
        await using (var run = await begin(start))
        {
            first = await run.TurnAsync("SAY: the first word is lighthouse");
            await run.TurnAsync("SAY: the second word is harbour");
            origin = run.Of<AgentReady>()[^1].NativeId;
        }

        var file = Directory.EnumerateFiles(transcripts, "*.jsonl", SearchOption.AllDirectories)
            .Single(f => f.Contains(origin, StringComparison.Ordinal));
        var bytes = await File.ReadAllBytesAsync(file);
        foreach (var at in (string?[])[null, first.Mark])
        {
            var before = model.Requests.Count;
            await using var fork = await begin(
                start with { SessionId = Guid.CreateVersion7(), ResumeId = origin, Fork = true, ForkAt = at });
            Assert.Equal(TurnOutcome.Completed, (await fork.TurnAsync("SAY: the other road")).Outcome);
            Assert.NotEqual(origin, fork.Of<AgentReady>()[^1].NativeId);
            var asked = model.Requests.Skip(before).Last(r => r.Prompt.Contains("the other road", StringComparison.Ordinal)).Body;
            Assert.Contains("lighthouse", asked, StringComparison.Ordinal);
            Assert.Equal(at is null, asked.Contains("harbour", StringComparison.Ordinal));
        }

        Assert.Equal(bytes, await File.ReadAllBytesAsync(file));
    }
}
