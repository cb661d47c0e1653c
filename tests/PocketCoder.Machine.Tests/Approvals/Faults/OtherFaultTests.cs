using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Broker.Egress;
using PocketCoder.Broker.Models;
using PocketCoder.Machine.Sessions;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Approvals.Faults;

/// <summary>
/// The same walk as <see cref="DecisionFaultTests"/> for what is not asked by an agent's own call: a host that a sandbox wants to reach, a
/// budget that is spent, what is written to a job that runs, and what people ask for in a project. Whoever waits is answered, the log has
/// the failure, and no approval stays open.
/// </summary>
public sealed class OtherFaultTests
{
    private const int MostSteps = 60;

    [Theory]
    [InlineData(DecisionVerdict.Allow)]
    [InlineData(DecisionVerdict.Deny)]
    public Task A_host_that_is_asked_for(DecisionVerdict verdict) => WalkQuestionsAsync(verdict, atLeast: 4, async (actor, step) =>
    {
        var answer = await actor.MayReachAsync(new EgressRequest($"step{step}.test", 443, "CONNECT"), CancellationToken.None);
        return (answer.Allowed, answer.Reason);
    });

    [Theory]
    [InlineData(DecisionVerdict.Allow)]
    [InlineData(DecisionVerdict.Deny)]
    public Task A_budget_that_is_spent(DecisionVerdict verdict) => WalkQuestionsAsync(verdict, atLeast: 4, async (actor, _) =>
    {
        var spent = new BudgetSpent(new ModelBudget(BudgetScope.Session, BudgetAction.Ask, Tokens: 100), new ModelSpending(0, 100, 1, 0),
            actor.Info.AgentSessionId, actor.Info.ProjectId);
        return (await actor.AskBudgetAsync(spent, CancellationToken.None), null);
    });

    [Theory]
    [InlineData(DecisionVerdict.Allow, 8)]
    [InlineData(DecisionVerdict.Deny, 5)]
    [Trait("Category", "Slow")]
    public async Task Input_to_a_job_that_runs(DecisionVerdict verdict, int atLeast)
    {
        var seam = new FaultSeam();
        var driver = new OverheardDriver(seam) { Arms = static said => said is AgentHostCall { ToolName: "job_input" } };
        await using var daemon = await TestDaemon.StartAsync(
            drivers: [driver], more: options => options with { Demo = true }, seams: s => s with { Seam = seam.Pass });
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync(
            "tool: bash {\"command\":\"cat > got.txt\",\"stdin\":\"\",\"run_in_background\":true}", SandboxKind.Bubblewrap);
        var job = await phone.AskedAsync();
        await phone.Device.DecideAsync(job, DecisionVerdict.Allow);
        await phone.DoneAsync();

        for (var step = 1; step < MostSteps; step++)
        {
            driver.Clear();
            seam.Aim(step);
            var words = $"line {step};";
            await phone.PromptAsync(session, $"tool: job_input {{\"job\":\"job-1\",\"text\":\"{words}\"}}");
            await DecisionFaultTests.LiveThroughAsync(phone, verdict);
            await DecisionFaultTests.ClosedAsync(phone, session, seam, job.ApprovalId);
            seam.Disarm();
            var at = $"input, {verdict}, step {seam.Failed ?? "none"}";
            Assert.True(driver.Waiting.IsEmpty, $"the agent was not answered: {at}");
            await Wait.UntilAsync(async () => (await phone.GetAsync(session)).Session.State is SessionState.Idle or SessionState.Failed,
                $"the session rests: {at}");
            // whatever becomes of its input
            Assert.Equal(ApprovalState.Running,
                (await DecisionFaultTests.ApprovalsAsync(phone, session)).Single(a => a.ApprovalId == job.ApprovalId).State);
            var inputs = (await DecisionFaultTests.ApprovalsAsync(phone, session)).Where(
                a => a.Subject is JobInputSubject subject && subject.Text == words).ToList();
            var began = await DecisionFaultTests.BeganAsync(phone, inputs, at);
            Assert.True(began || !(await GotAsync(phone)).Contains(words, StringComparison.Ordinal),
                $"it was written, and no row says so: {at}");
            if (seam.Failed is null)
            {
                Assert.Equal(verdict == DecisionVerdict.Allow, began);
                Assert.True(step > atLeast, $"only {step - 1} steps");
                await Wait.UntilAsync(async () => verdict == DecisionVerdict.Deny
                    || (await GotAsync(phone)).Contains(words, StringComparison.Ordinal), "what was written");
                return;
            }

            await LoggedAsync(daemon, at);
        }

        Assert.Fail($"{MostSteps} steps and no end");
    }

    [Theory]
    [InlineData(DecisionVerdict.Allow, 8)]
    [InlineData(DecisionVerdict.Deny, 4)]
    public async Task A_person_who_asks_in_a_project(DecisionVerdict verdict, int atLeast)
    {
        var seam = new FaultSeam();
        await using var daemon = await TestDaemon.StartAsync(seams: s => s with { Seam = seam.Pass });
        await using var phone = await daemon.PhoneAsync();
        for (var step = 1; step < MostSteps; step++)
        {
            var name = $".env.walk{step}";
            seam.Aim(step);
            if (await RequiredAsync(phone, name) is { } asked)
            {
                await DecisionFaultTests.DecideAsync(phone, asked, verdict);
            }

            await DecisionFaultTests.ClosedAsync(phone, null, seam);
            seam.Disarm();
            var at = $"a person, {verdict}, step {seam.Failed ?? "none"}";
            var mine = (await DecisionFaultTests.ApprovalsAsync(phone, null)).Where(a => a.Subject is FileSubject file && file.Path == name)
                .ToList();
            var began = await DecisionFaultTests.BeganAsync(phone, mine, at);
            Assert.True(began || !File.Exists(phone.PathOf(name)), $"it was written, and no row says so: {at}");
            Assert.All(mine, a => Assert.True(a.State is ApprovalState.Finished or ApprovalState.Denied
                || !string.IsNullOrEmpty(a.NotDone ?? a.Execution?.Error ?? a.Decision?.Reason), $"closed without a reason: {at}"));
            if (seam.Failed is null)
            {
                Assert.Equal(verdict == DecisionVerdict.Allow, File.Exists(phone.PathOf(name)));
                Assert.True(step > atLeast, $"only {step - 1} steps");
                return;
            }

            await LoggedAsync(daemon, at);
        }

        Assert.Fail($"{MostSteps} steps and no end");
    }

    /// <summary>In one turn that waits for something else, so that each step is a question of its own and costs no session.</summary>
    private static async Task WalkQuestionsAsync(
        DecisionVerdict verdict, int atLeast, Func<SessionActor, int, Task<(bool Allowed, string? Reason)>> ask)
    {
        var seam = new FaultSeam();
        var driver = new OverheardDriver(seam) { Arms = static _ => false };
        await using var daemon = await TestDaemon.StartAsync(
            drivers: [driver], more: options => options with { Demo = true }, seams: s => s with { Seam = seam.Pass });
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("ask: Which one? | this | that", SandboxKind.None);
        var held = await phone.AskedAsync();
        var actor = daemon.Daemon.SessionDirectory.Find(session)!;
        for (var step = 1; step < MostSteps; step++)
        {
            seam.Aim(step);
            var answer = ask(actor, step);
            var approval = await AskedOrAnsweredAsync(phone, session, held, answer);
            if (approval is not null)
            {
                await DecisionFaultTests.DecideAsync(phone, approval, verdict);
            }

            var (allowed, reason) = await answer.WaitAsync(Wait.Limit);
            await DecisionFaultTests.ClosedAsync(phone, session, seam, held.ApprovalId);
            seam.Disarm();
            var at = $"{verdict}, step {seam.Failed ?? "none"}";
            var now = approval is null ? null
                : (await DecisionFaultTests.ApprovalsAsync(phone, session)).Single(a => a.ApprovalId == approval.ApprovalId);
            Assert.True(!allowed || now is { Decision.Verdict: DecisionVerdict.Allow }, $"allowed, and no row says so: {at}");
            Assert.True(!allowed || verdict == DecisionVerdict.Allow, $"allowed what was denied: {at}");
            if (seam.Failed is null)
            {
                Assert.Equal(verdict == DecisionVerdict.Allow, allowed);
                Assert.True(step > atLeast, $"only {step - 1} steps");
                await DecisionFaultTests.DecideAsync(phone, held, DecisionVerdict.Allow);
                Assert.Equal(TurnState.Completed, (await phone.DoneAsync()).Outcome);
                return;
            }

            Assert.True(allowed || reason is null || verdict == DecisionVerdict.Deny
                || reason.Contains(FaultSeam.Words, StringComparison.Ordinal), $"{reason}: {at}");
            await LoggedAsync(daemon, at);
        }

        Assert.Fail($"{MostSteps} steps and no end");
    }

    /// <summary>The question that a person is asked; null: the asker was answered without one.</summary>
    private static async Task<ApprovalInfo?> AskedOrAnsweredAsync(Phone phone, Guid session, ApprovalInfo held, Task answer)
    {
        ApprovalInfo? asked = null;
        await Wait.UntilAsync(
            async () =>
            {
                asked = (await DecisionFaultTests.ApprovalsAsync(phone, session)).FirstOrDefault(
                    a => a.State == ApprovalState.Pending && a.ApprovalId != held.ApprovalId);
                return asked is not null || answer.IsCompleted;
            },
            "a question or an answer");
        return asked;
    }

    /// <summary>Asks to write a file that holds keys by its name; an error of the machine is tried again, as the app does.</summary>
    private static async Task<ApprovalInfo?> RequiredAsync(Phone phone, string name)
    {
        for (var tries = 0; tries < 3; tries++)
        {
            try
            {
                await phone.Device.AskAsync(
                    MessageTypes.FsWrite, new FsWriteRequest(phone.Project.ProjectId, name, "KEY=1\n"), ProtocolJson.Default.FsWriteRequest,
                    ProtocolJson.Default.FsWriteResponse);
                return null;
            }
            catch (WireErrorException e) when (e.Error.Code == ErrorCode.ApprovalRequired)
            {
                var id = Guid.Parse(e.Error.Details!["approvalId"]);
                return (await DecisionFaultTests.ApprovalsAsync(phone, null)).Single(a => a.ApprovalId == id);
            }
            catch (WireErrorException e)
            {
                Assert.Equal(ErrorCode.UnknownError, e.Error.Code); // told, and nothing asked
            }
        }

        return null;
    }

    private static async Task<string> GotAsync(Phone phone)
        => File.Exists(phone.PathOf("got.txt")) ? await File.ReadAllTextAsync(phone.PathOf("got.txt")) : "";

    private static async Task LoggedAsync(TestDaemon daemon, string at)
    {
        await Wait.UntilAsync(() => daemon.Log.Lines.Any(l => l.Contains(FaultSeam.Words, StringComparison.Ordinal)),
            $"a line in the log: {at}");
        daemon.Log.Lines.Clear();
    }
}
