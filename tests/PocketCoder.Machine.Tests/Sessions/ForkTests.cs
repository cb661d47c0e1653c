using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions;

/// <summary>Sessions that begin as a copy of another one.</summary>
public sealed class ForkTests
{
    private static Task<AgentSessionForkResponse> ForkAsync(
        TestDevice device, Guid session, Guid made, Guid prompt, string text, Guid? from = null) => device.AskAsync(
        MessageTypes.AgentSessionFork, new AgentSessionForkRequest(session, made, prompt, text, from),
        ProtocolJson.Default.AgentSessionForkRequest, ProtocolJson.Default.AgentSessionForkResponse);

    private static async Task<IReadOnlyList<AgentEventPayload>> TranscriptAsync(TestDevice device, Guid session)
    {
        await device.SubscribeAsync($"session/{session}");
        var events = new List<AgentEventPayload>();
        while (events is not [.., DoneEvent] || !events.OfType<ForkEvent>().Any())
        {
            events.Add(await device.NextEventAsync<AgentEventPayload>());
        }

        return events;
    }

    [Fact]
    public async Task A_fork_shows_what_was_says_where_from_and_goes_its_own_way_once()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var origin = await phone.StartAsync("first words");
        await phone.DoneAsync();
        await phone.PromptAsync(origin, "run: echo hi");
        await phone.Device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await phone.DoneAsync();
        var before = await phone.GetAsync(origin);
        var (made, prompt) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var fork = await ForkAsync(phone.Device, origin, made, prompt, "another way");
        Assert.Equal((made, "another way", "another way"), (fork.Session.AgentSessionId, fork.Turn.Content, fork.Session.Title));
        Assert.Equal(prompt, (await ForkAsync(phone.Device, origin, made, prompt, "another way")).Turn.TurnId); // sent again

        await using var second = await daemon.PairAsync("second");
        var events = await TranscriptAsync(second, made);
        var at = events.ToList().FindIndex(e => e is ForkEvent);
        Assert.Equal(origin, ((ForkEvent)events[at]).OriginSessionId);
        Assert.Contains(events.Take(at), e => e is TextEvent { Text: "first words" });
        Assert.Contains(events.Take(at), e => e is ToolResultEvent { ExitCode: 0 });
        Assert.Contains(events.Take(at), e => e is ApprovalEvent { Approval.State: ApprovalState.Finished });
        Assert.DoesNotContain(events.Take(at), e => e is UsageEvent or ApprovalEvent { Approval.State: ApprovalState.Pending });
        Assert.Contains(events.Skip(at), e => e is TextEvent { Text: "another way" });
        Assert.Single((await phone.GetAsync(made)).Turns);
        Assert.Equal(before.Turns, (await phone.GetAsync(origin)).Turns, (a, b) => a.TurnId == b.TurnId && a.State == b.State);
        Assert.Equal(before.Session.Head, (await phone.GetAsync(origin)).Session.Head);
        var rows = await phone.Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 50),
            ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);
        Assert.Contains(rows.Rows, r => r.Body.Contains($"\"forkedFrom\":\"{origin}\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_id_that_is_in_use_is_no_place_for_a_fork()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var origin = await phone.StartAsync("one");
        await phone.DoneAsync();
        var other = await phone.StartAsync("two");
        await phone.DoneAsync();
        foreach (var taken in (Guid[])[origin, other])
        {
            Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<WireErrorException>(
                () => ForkAsync(phone.Device, origin, taken, Guid.CreateVersion7(), "x"))).Error.Code);
            Assert.Single((await phone.GetAsync(taken)).Turns);
        }
    }

    [Fact]
    public async Task A_fork_at_an_earlier_turn_leaves_out_what_came_after()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var origin = await phone.StartAsync("one");
        await phone.DoneAsync();
        var first = (await phone.GetAsync(origin)).Turns[0].TurnId;
        await phone.PromptAsync(origin, "two");
        await phone.DoneAsync();
        var made = Guid.CreateVersion7();
        await ForkAsync(phone.Device, origin, made, Guid.CreateVersion7(), "three", first);
        await using var second = await daemon.PairAsync("second");
        Assert.Equal(["one", "three"], (await TranscriptAsync(second, made)).OfType<TextEvent>().Select(e => e.Text));
        Assert.Equal(ErrorCode.TurnNotFound, (await Assert.ThrowsAsync<WireErrorException>(
            () => ForkAsync(phone.Device, origin, Guid.CreateVersion7(), Guid.CreateVersion7(), "x", Guid.CreateVersion7()))).Error.Code);
    }

    [Fact]
    public async Task A_session_that_works_is_not_forked()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var origin = await phone.StartAsync("run: echo hi");
        var asked = await phone.AskedAsync();
        Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<WireErrorException>(
            () => ForkAsync(phone.Device, origin, Guid.CreateVersion7(), Guid.CreateVersion7(), "x"))).Error.Code);
        Assert.Equal(ErrorCode.SessionNotFound, (await Assert.ThrowsAsync<WireErrorException>(
            () => ForkAsync(phone.Device, Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7(), "x"))).Error.Code);
        await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
        await phone.DoneAsync();
    }

    [Fact]
    public async Task What_was_chosen_for_a_session_is_its_forks_too_also_after_a_restart()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var made = Guid.CreateVersion7();
        await using (var phone = await daemon.PhoneAsync())
        {
            var origin = await phone.StartAsync("first words");
            await phone.DoneAsync();
            await phone.Device.AskAsync(
                MessageTypes.AgentSessionSet, new AgentSessionSetRequest(origin, Effort: "high"),
                ProtocolJson.Default.AgentSessionSetRequest, ProtocolJson.Default.AgentSessionSetResponse);
            Assert.Equal("high", (await ForkAsync(phone.Device, origin, made, Guid.CreateVersion7(), "another way")).Session.Effort);
            await TranscriptAsync(phone.Device, made);
        }

        await daemon.RestartAsync();
        await using var again = await daemon.PhoneAsync();
        Assert.Equal("high", (await again.GetAsync(made)).Session.Effort);
    }

    [Fact]
    public void An_agents_folder_is_copied_without_following_its_links()
    {
        var root = Directory.CreateTempSubdirectory("pc-state-");
        try
        {
            var from = root.CreateSubdirectory("from");
            var secret = Path.Combine(root.FullName, "secret");
            File.WriteAllText(secret, "s");
            from.CreateSubdirectory("projects/a");
            File.WriteAllText(Path.Combine(from.FullName, "projects/a/t.jsonl"), "line\n");
            File.CreateSymbolicLink(Path.Combine(from.FullName, "link"), secret);
            File.CreateSymbolicLink(Path.Combine(from.FullName, "folder"), root.FullName);
            var to = Path.Combine(root.FullName, "to");
            Directory.CreateDirectory(to);
            File.WriteAllText(Path.Combine(to, "left"), "by a crash");
            StateCopy.Copy(from.FullName, to);
            Assert.Equal(["projects", "projects/a", "projects/a/t.jsonl"], Directory.EnumerateFileSystemEntries(
                to, "*", SearchOption.AllDirectories).Select(p => Path.GetRelativePath(to, p)).Order(StringComparer.Ordinal));
            File.CreateSymbolicLink(Path.Combine(root.FullName, "origin"), from.FullName);
            StateCopy.Copy(Path.Combine(root.FullName, "origin"), Path.Combine(root.FullName, "none"));
            Assert.False(Directory.Exists(Path.Combine(root.FullName, "none")));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }
}
