using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Approvals.Faults;

/// <summary>
/// An exception that nobody foresaw, at each step from an agent's request to its answer. The steps are not listed: the daemon passes a seam
/// at each of them, and the walk lets the first fail, then the second, until it comes through without a failure.
/// </summary>
public sealed class DecisionFaultTests
{
    /// <summary>More steps than any path has: a walk that goes on for ever is a mistake of this test.</summary>
    private const int MostSteps = 120;

    /// <summary>
    /// What an agent asks for, where, how a person decides, and the steps that the path has at least: else the seam is not where it should
    /// be.
    /// </summary>
    public static TheoryData<string, SandboxKind, DecisionVerdict, int> Paths => new(
        Row("run: echo done > {0}", SandboxKind.None, DecisionVerdict.Allow, 8),
        Row("run: echo done > {0}", SandboxKind.None, DecisionVerdict.Deny, 5),
        Row("write: {0} | done", SandboxKind.None, DecisionVerdict.Allow, 8),
        Row("ask: Which one? | this | that", SandboxKind.None, DecisionVerdict.Allow, 5),
        Row("plan: do it", SandboxKind.None, DecisionVerdict.Allow, 5),
        Row("confirm: hello", SandboxKind.None, DecisionVerdict.Allow, 5),
        Row("confirm: hello", SandboxKind.None, DecisionVerdict.Deny, 5),
        Row("hello\nconfirm: touch nothing", SandboxKind.None, DecisionVerdict.Allow, 5),
        Row("run: echo done > {0}", SandboxKind.Bubblewrap, DecisionVerdict.Allow, 12),
        Row("run: echo done > {0}", SandboxKind.Bubblewrap, DecisionVerdict.Deny, 6),
        Row("tool: bash {{\"command\":\"echo done > {0}\",\"run_in_background\":true}}", SandboxKind.Bubblewrap, DecisionVerdict.Allow, 12),
        Row("tool: send_file {{\"path\":\".env\"}}", SandboxKind.Bubblewrap, DecisionVerdict.Allow, 8),
        Row("tool: job_list {{}}", SandboxKind.Bubblewrap, DecisionVerdict.Allow, 2),
        Row("tool: nothing_known {{}}", SandboxKind.Bubblewrap, DecisionVerdict.Allow, 2));

    [Theory]
    [MemberData(nameof(Paths))]
    public Task Each_step_of_a_decision_fails_in_turn(string prompt, SandboxKind sandbox, DecisionVerdict verdict, int atLeast)
        => WalkAsync(prompt, sandbox, verdict, atLeast);

    [Fact]
    public Task When_nobody_decides() => WalkAsync("run: echo done > {0}", SandboxKind.None, verdict: null, atLeast: 5);

    private static TheoryDataRow<string, SandboxKind, DecisionVerdict, int> Row(
        string prompt, SandboxKind sandbox, DecisionVerdict verdict, int atLeast)
        => sandbox == SandboxKind.None ? new(prompt, sandbox, verdict, atLeast)
            : new TheoryDataRow<string, SandboxKind, DecisionVerdict, int>(prompt, sandbox, verdict, atLeast).WithTrait("Category", "Slow");

    /// <param name="verdict">Null: nobody decides, and its time ends.</param>
    /// <param name="atLeast">Steps that the path must have, else the seam is not where it should be.</param>
    private static async Task WalkAsync(string prompt, SandboxKind sandbox, DecisionVerdict? verdict, int atLeast)
    {
        var seam = new FaultSeam();
        var driver = new OverheardDriver(seam);
        await using var daemon = await TestDaemon.StartAsync(
            drivers: [driver], approvalTimeout: verdict is null ? TimeSpan.FromMilliseconds(300) : null,
            more: options => options with { Demo = true },
            seams: s => s with { Seam = seam.Pass });
        await using var phone = await daemon.PhoneAsync();
        await File.WriteAllTextAsync(phone.PathOf(".env"), "TOKEN=abcdefghijklmnopqrstuvwxyz0123456789");
        for (var step = 1; step < MostSteps; step++)
        {
            driver.Clear();
            seam.Aim(step);
            var marker = $"walk-{step}.txt";
            var session = await phone.StartAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, prompt, marker), sandbox);
            var done = await LiveThroughAsync(phone, verdict);
            await ClosedAsync(phone, session, seam);
            seam.Disarm();
            var at = $"{prompt}, {verdict}, step {seam.Failed ?? "none"}";
            Assert.True(driver.Waiting.IsEmpty, $"the agent was not answered: {at}");
            await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.State is SessionState.Idle or SessionState.Failed,
                $"the session rests: {at}");
            await SoundAsync(phone, session, marker, at);
            if (seam.Failed is null)
            {
                Assert.True(done.Outcome == TurnState.Completed || (verdict == DecisionVerdict.Deny && done.Outcome == TurnState.Cancelled),
                    $"{done.Outcome}: {at}");
                Assert.True(step > atLeast, $"only {step - 1} steps: {prompt}");
                return;
            }

            await Wait.UntilAsync(() => daemon.Log.Lines.Any(l => l.Contains(FaultSeam.Words, StringComparison.Ordinal)),
                $"a line in the log: {at}");
            daemon.Log.Lines.Clear();
            foreach (var deny in driver.Answers.OfType<AgentAnswer.Deny>().Where(_ => verdict == DecisionVerdict.Allow))
            {
                Assert.Contains(FaultSeam.Words, deny.Message, StringComparison.Ordinal); // the true reason
            }
        }

        Assert.Fail($"{MostSteps} steps and no end: {prompt}");
    }

    /// <summary>Decides on whatever is asked until the turn is over.</summary>
    internal static async Task<DoneEvent> LiveThroughAsync(Phone phone, DecisionVerdict? verdict)
    {
        while (true)
        {
            var next = await phone.Device.NextEventAsync<AgentEventPayload>(
                e => e is DoneEvent or ApprovalEvent { Approval.State: ApprovalState.Pending });
            switch (next)
            {
                case DoneEvent done:
                    return done;
                case ApprovalEvent asked when verdict is { } said:
                    await DecideAsync(phone, asked.Approval, said);
                    break;
            }
        }
    }

    /// <summary>As the app does: an answer that is an error of the machine is no decision, and the same is sent again.</summary>
    internal static async Task DecideAsync(Phone phone, ApprovalInfo asked, DecisionVerdict verdict)
    {
        var id = Guid.CreateVersion7();
        var answers = asked.Subject is QuestionSubject { Questions: [var question, ..] } && asked.Kind == ApprovalKind.Question
            ? JsonSerializer.Serialize(
                new Dictionary<string, string>(StringComparer.Ordinal) { [question.Text] = question.Options[0].Label })
            : null;
        for (var tries = 0; tries < 3; tries++)
        {
            try
            {
                await phone.Device.DecideAsync(asked, verdict, answers: answers, decisionId: id);
                return;
            }
            catch (WireErrorException e) when (e.Error.Code is not (ErrorCode.AlreadyDecided or ErrorCode.ApprovalNotFound))
            {
                // not recorded
            }
            catch (WireErrorException)
            {
                return; // it was closed meanwhile
            }
        }
    }

    /// <param name="but">An approval that stays open meanwhile.</param>
    internal static Task ClosedAsync(Phone phone, Guid? session, FaultSeam seam, Guid? but = null) => Wait.UntilAsync(
        async () => (await ApprovalsAsync(phone, session)).All(
            a => a.ApprovalId == but || a.State is not (ApprovalState.Pending or ApprovalState.Allowed or ApprovalState.Running)),
        $"no approval stays open, step {seam.Failed ?? "none"}");

    /// <summary>What ran has its beginning and one end in the ledger; what has no beginning there did not run.</summary>
    private static async Task SoundAsync(Phone phone, Guid session, string marker, string at)
        => Assert.True(await BeganAsync(phone, await ApprovalsAsync(phone, session), at) || !File.Exists(phone.PathOf(marker)),
            $"it ran, and no row says so: {at}");

    /// <summary>Whether one of these began; each has at most one beginning, and as many ends.</summary>
    internal static async Task<bool> BeganAsync(Phone phone, IReadOnlyList<ApprovalInfo> approvals, string at)
    {
        var began = false;
        foreach (var approval in approvals)
        {
            var rows = await phone.LedgerAsync(approval.ApprovalId);
            var starts = rows.Count(r => r == "execution_started");
            Assert.True(starts <= 1, at);
            Assert.True(rows.Count(r => r is "execution_finished" or "execution_unknown") == starts, $"{string.Join(' ', rows)}: {at}");
            began |= starts == 1;
        }

        return began;
    }

    /// <param name="session">Null: of people, outside of any session.</param>
    internal static async Task<IReadOnlyList<ApprovalInfo>> ApprovalsAsync(Phone phone, Guid? session) => (await phone.Device.AskAsync(
        MessageTypes.ApprovalsList, new ApprovalsListRequest(Pending: false, session), ProtocolJson.Default.ApprovalsListRequest,
        ProtocolJson.Default.ApprovalsListResponse)).Approvals;
}
