using System.Text.Json;
using PocketCoder.Machine.Tests.Attachments;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>What every agent in a sandbox is held to in the same way, by its real program.</summary>
internal static class SandboxSteps
{
    /// <summary>
    /// Allows an edit of <c>notes.txt</c> ("old text" becomes "new text"), which happens only then, and the command after it.
    /// </summary>
    public static async Task AllowAnEditAndACommandAsync(this SandboxStory story, Guid session, string notes)
    {
        await story.ReadAsync(session);
        var edit = await story.AskedAsync();
        Assert.Equal("notes.txt", Path.GetFileName(Assert.IsType<EditSubject>(edit.Subject).Path));
        Assert.Equal("old text\n", await File.ReadAllTextAsync(notes));
        await story.Device.DecideAsync(edit, DecisionVerdict.Allow);
        var command = await story.AskedAsync();
        Assert.Equal("new text\n", await File.ReadAllTextAsync(notes));
        await story.Device.DecideAsync(command, DecisionVerdict.Allow);
    }

    /// <summary>With a budget of 100 tokens that asks: each request waits for a yes, which is for that one; a no stops the agent.</summary>
    /// <param name="session">One whose first prompt needs two requests.</param>
    public static async Task BudgetAsksBeforeEachRequestAsync(this SandboxStory story, Guid session)
    {
        await story.ReadAsync(session);
        for (var requests = 0; requests < 2; requests++)
        {
            // Each of the two requests is larger than the budget; a yes is for the one that asks.
            var asked = await story.AskedAsync();
            var question = Assert.Single(Assert.IsType<QuestionSubject>(asked.Subject).Questions);
            Assert.Contains("One request may need ", question.Text, StringComparison.Ordinal);
            Assert.Contains($"Of the budget of {100 * (requests + 1)} tokens for this session", question.Text, StringComparison.Ordinal);
            Assert.Equal(requests, story.Model.Requests.Count);
            await story.Device.DecideAsync(asked, DecisionVerdict.Allow,
                answers: JsonSerializer.Serialize(new Dictionary<string, string> { [question.Text] = "Go on" }));
        }

        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);

        var before = story.Model.Requests.Count;
        await story.PromptAsync(session, "SAY: more");
        await story.Device.DecideAsync(await story.AskedAsync(), DecisionVerdict.Deny);
        await story.Device.NextEventAsync<DoneEvent>();
        Assert.Equal(before, story.Model.Requests.Count);
    }

    /// <summary>
    /// Forks a session from its end and from its first turn: each copy knows what it should, with the picture or without, and the first
    /// goes on as before.
    /// </summary>
    public static async Task ForkFromACopyWithAPictureAsync(this SandboxStory story)
    {
        var origin = await story.NewAsync("SAY: the word is lighthouse");
        await story.ReadAsync(origin);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        var picture = await story.Device.UploadAsync("shot.png", Uploads.Png);
        await story.Device.PromptAsync(origin, "SAY: seen", picture.AttachmentId);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Contains(story.Model.Requests, r => r.Body.Contains("iVBORw0KGgo", StringComparison.Ordinal));
        var turns = (await story.Device.AskAsync(MessageTypes.AgentSessionGet, new AgentSessionGetRequest(origin),
            ProtocolJson.Default.AgentSessionGetRequest, ProtocolJson.Default.AgentSessionGetResponse)).Turns;

        foreach (var from in (Guid?[])[null, turns[0].TurnId])
        {
            var (made, before) = (Guid.CreateVersion7(), story.Model.Requests.Count);
            await story.Device.AskAsync(
                MessageTypes.AgentSessionFork, new AgentSessionForkRequest(origin, made, Guid.CreateVersion7(), "SAY: the other road",
                    from), ProtocolJson.Default.AgentSessionForkRequest, ProtocolJson.Default.AgentSessionForkResponse);
            await story.ReadAsync(made);
            await story.Device.NextEventAsync<ForkEvent>();
            var done = await story.Device.NextEventAsync<AgentEventPayload>(e => e is DoneEvent or ErrorEvent);
            Assert.Null((done as ErrorEvent)?.Message);
            Assert.Equal(TurnState.Completed, Assert.IsType<DoneEvent>(done).Outcome);
            var asked = story.Model.Requests.Skip(before).Last(r => r.Prompt.Contains("the other road", StringComparison.Ordinal));
            Assert.Contains("lighthouse", asked.Body, StringComparison.Ordinal);
            Assert.Equal(from is null, asked.Body.Contains("iVBORw0KGgo", StringComparison.Ordinal));
        }

        // The first one goes on as if nothing had been.
        var count = story.Model.Requests.Count;
        await story.PromptAsync(origin, "SAY: still here");
        var last = await story.Device.NextEventAsync<AgentEventPayload>(e => e is DoneEvent or ErrorEvent);
        Assert.Null((last as ErrorEvent)?.Message);
        var on = story.Model.Requests.Skip(count).Last(r => r.Prompt.Contains("still here", StringComparison.Ordinal)).Body;
        Assert.Contains("lighthouse", on, StringComparison.Ordinal);
        Assert.DoesNotContain("the other road", on, StringComparison.Ordinal);
    }
}
