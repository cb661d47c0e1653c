using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Approvals.Faults;

/// <summary>
/// Every reason for a refusal × every manner in which an agent may speak of it: the transcript shows the refusal with the reason that the
/// agent was told, and nothing is called done. With the real agents: <c>Agents.Tests/RefusalMatrixTests</c>.
/// </summary>
public sealed class RefusalTests
{
    private const string Changed = "changed.txt";

    /// <summary>Why it is refused: words of what is told, and the state of the row.</summary>
    private static readonly Dictionary<string, (string Told, ApprovalState State)> s_reasons = new(StringComparer.Ordinal)
    {
        ["denied with words"] = ("rather not like this", ApprovalState.Denied),
        ["denied"] = ("The user denied this", ApprovalState.Denied),
        ["nobody decided"] = ("Nobody decided in time", ApprovalState.Expired),
        ["the file changed"] = ("the file changed after it was shown", ApprovalState.Withdrawn),
        ["too late to begin"] = ("its time was over before it began", ApprovalState.Expired),
        ["the ledger is full"] = ("the machine can't write its ledger", ApprovalState.Withdrawn),
        ["an error of ours"] = ("an error inside PocketCoder", ApprovalState.Withdrawn),
    };

    public static TheoryData<string, Manner> Cells
    {
        get
        {
            var cells = new TheoryData<string, Manner>();
            foreach (var reason in s_reasons.Keys)
            {
                foreach (var manner in Enum.GetValues<Manner>())
                {
                    cells.Add(reason, manner);
                }
            }

            return cells;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task A_refusal_is_shown_with_its_true_reason_whatever_the_agent_says(string reason, Manner manner)
    {
        var (words, state) = s_reasons[reason];
        var time = new ManualTime();
        var atAnswer = false;
        var full = false;
        var driver = new CarelessDriver(manner, Changed);
        await using var daemon = await TestDaemon.StartAsync(time, TimeSpan.FromMinutes(10), drivers: [driver],
            more: options => options with { Demo = true }, seams: s => s with { Seam = At });
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf(Changed), "before\n");
        await phone.StartAsync("edit it");
        var asked = await phone.AskedAsync();
        await RefuseAsync();

        var told = Assert.IsType<AgentAnswer.Deny>(await driver.Answered.Task.WaitAsync(Wait.Limit));
        full = false;
        Assert.Contains(words, told.Message, StringComparison.Ordinal);
        var events = new List<AgentEventPayload>();
        while (events is not [.., DoneEvent])
        {
            events.Add(await NextAsync());
        }

        Assert.DoesNotContain(events, e => e is FileEditEvent or FileCreateEvent);
        if (manner != Manner.Silent)
        {
            var result = Assert.Single(events.OfType<ToolResultEvent>());
            Assert.True(result.Failed);
            Assert.Contains(words, result.Output, StringComparison.Ordinal);
        }

        var row = (await phone.Device.AskAsync(
            MessageTypes.ApprovalsList, new ApprovalsListRequest(Pending: false), ProtocolJson.Default.ApprovalsListRequest,
            ProtocolJson.Default.ApprovalsListResponse)).Approvals.Single();
        Assert.Equal(state, row.State);
        Assert.Equal(row.Decision?.Verdict == DecisionVerdict.Allow, row.NotDone is not null);
        Assert.DoesNotContain("execution_started", await phone.LedgerAsync(asked.ApprovalId));
        Assert.NotEqual("after\n", await File.ReadAllTextAsync(phone.PathOf(Changed)));

        async Task RefuseAsync()
        {
            switch (reason)
            {
                case "denied with words":
                    await phone.Device.DecideAsync(asked, DecisionVerdict.Deny, reason: words);
                    return;
                case "denied":
                    await phone.Device.DecideAsync(asked, DecisionVerdict.Deny);
                    return;
                case "nobody decided":
                    time.Advance(TimeSpan.FromMinutes(10));
                    return;
                case "the file changed":
                    await File.WriteAllTextAsync(phone.PathOf(Changed), "somebody else's\n");
                    break;
                default:
                    atAnswer = true;
                    break;
            }

            await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
        }

        void At(string step)
        {
            if (full && step == "write")
            {
                throw new LedgerException(LedgerError.DiskFull, "the disk is full");
            }

            if (!atAnswer || step != "answer")
            {
                return;
            }

            atAnswer = false;
            switch (reason)
            {
                case "too late to begin":
                    time.Advance(TimeSpan.FromMinutes(11));
                    break;
                case "the ledger is full":
                    full = true;
                    break;
                default:
                    throw new InvalidOperationException("injected");
            }
        }

        async Task<AgentEventPayload> NextAsync()
        {
            var next = phone.Device.NextEventAsync<AgentEventPayload>();
            await Wait.UntilAsync(
                () =>
                {
                    // what could not be written is tried again
                    time.Advance(TimeSpan.FromMilliseconds(reason == "the ledger is full" ? 200 : 0));
                    return next.IsCompleted;
                },
                "the next event");
            return await next;
        }
    }
}
