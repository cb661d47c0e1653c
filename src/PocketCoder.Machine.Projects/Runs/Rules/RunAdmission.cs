using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Runs.Rules;

/// <summary>
/// Where every one-shot command comes in: the project's rules say whether it runs, is asked about, or does not run. Which rule that was
/// stands in the ledger. Thread-safe.
/// </summary>
public sealed class RunAdmission(RunService runs, CommandPolicies policies, ProjectStore projects, PersonApprovals asks, Store store)
{
    /// <summary>Runs a device's command, when the rules let it, or gives the run that the same request started before.</summary>
    /// <exception cref="RequestFailure">APPROVAL_REQUIRED: the machine runs it when it is allowed; UNAUTHORIZED: a rule denies it; and as
    /// <see cref="RunService.ExecAsync"/></exception>
    public async Task<RunAccepted> ExecAsync(CommandExecRequest request, Device device, CancellationToken cancellationToken)
    {
        var who = new Typist(device.DeviceId, device.Name);
        if (await runs.KnownAsync(request, cancellationToken) is { } known)
        {
            return known;
        }

        var judged = await JudgeAsync(request, who, cancellationToken);
        if (judged.Verdict == CommandVerdict.Allow)
        {
            return await runs.ExecAsync(request, who, judged.Rule, cancellationToken);
        }

        var project = await projects.GetAsync(request.ProjectId, cancellationToken);
        var kind = await runs.SandboxAsync(request.ProjectId, cancellationToken);
        var folder = CommandRules.Folder(project.Path, request.Cwd);
        var pins = Pins(request, project.Path, folder, kind);
        var risk = RiskAssessor.Assess(request.Command, folder, project.Path, marked: true);
        var (subject, shown) = pins.Shown(
            new CommandSubject(
                request.Command,
                folder,
                MessageTypes.CommandExec,
                JsonSerializer.Serialize(request, ProtocolJson.Default.CommandExecRequest),
                request.Stdin ?? request.StdinBase64,
                TimeLimitMs: request.TimeoutSeconds * 1000L),
            new RiskInfo(risk.Tier, risk.Understood, risk is { Reversible: true, Changes.Count: 0 }, risk.Consequences)
            {
                Marks = risk.Marks,
            });
        throw await asks.RequiredAsync(new ProjectAsk(
            request.ProjectId,
            device,
            ApprovalKind.Command,
            subject,
            ApprovalDigest.OfProject(request.ProjectId, MessageTypes.CommandExec, CommandRules.Digest(request), kind.ToString()).With(pins),
            _ => RunAsync(request, who, judged.Rule),
            stop => DriftAsync(request, kind, pins, stop),
            kind,
            shown));
    }

    private static CommandPins Pins(CommandExecRequest request, string project, string folder, SandboxKind kind)
        => CommandPins.Take(
            project,
            folder,
            request.Command,
            request.Environment ?? new Dictionary<string, string>(StringComparer.Ordinal),
            kind == SandboxKind.None ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) : null);

    /// <summary>The owner's, at the machine: nobody is asked, since it is the owner who would be.</summary>
    /// <exception cref="RequestFailure">UNAUTHORIZED: a rule denies it; and as <see cref="RunService.ExecAsync"/></exception>
    public async Task<RunAccepted> ExecAsync(CommandExecRequest request, CancellationToken cancellationToken)
        => await runs.KnownAsync(request, cancellationToken) ?? await runs.ExecAsync(
            request, Typist.Owner, (await JudgeAsync(request, Typist.Owner, cancellationToken)).Rule, cancellationToken);

    private async Task<Judgement> JudgeAsync(CommandExecRequest request, Typist who, CancellationToken cancellationToken)
    {
        CommandRules.Check(request);
        var judged = await LookAsync(request, cancellationToken);
        if (judged.Verdict != CommandVerdict.Deny)
        {
            return judged;
        }

        await store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.CommandRefused)
        {
            DeviceId = who.DeviceId,
            Actor = who.Actor,
            Digest = CommandRules.Digest(request),
            Data = new CommandRefusedData(request.RunId, request.ProjectId, request.Command, judged.Rule!).ToJson(),
        }));
        throw new RequestFailure(
            ErrorCode.Unauthorized, $"The project's command rules deny it ({judged.Rule}).",
            new Dictionary<string, string>(StringComparer.Ordinal) { ["rule"] = judged.Rule! });
    }

    private async Task<Judgement> LookAsync(CommandExecRequest request, CancellationToken cancellationToken)
    {
        var project = await projects.GetAsync(request.ProjectId, cancellationToken);
        return CommandJudge.Judge(await policies.GetAsync(request.ProjectId, cancellationToken), request,
            CommandRules.Folder(project.Path, request.Cwd), project.Path);
    }

    /// <summary>
    /// What was allowed is what was shown: the same command, folder and files in the same kind of sandbox, and no rule came that denies it.
    /// </summary>
    private async Task<string?> DriftAsync(
        CommandExecRequest request, SandboxKind kind, CommandPins pins, CancellationToken cancellationToken)
    {
        try
        {
            var project = await projects.GetAsync(request.ProjectId, cancellationToken);
            if (pins.Differs(Pins(request, project.Path, CommandRules.Folder(project.Path, request.Cwd), kind)) is { } changed)
            {
                return $"Not run: {changed}.";
            }

            var judged = await LookAsync(request, cancellationToken);
            return judged.Verdict == CommandVerdict.Deny ? $"The project's command rules now deny it ({judged.Rule})."
                : await runs.SandboxAsync(request.ProjectId, cancellationToken) != kind
                ? "The project's sandbox has changed to another kind since the request."
                : null;
        }
        catch (RequestFailure e)
        {
            return e.Error.Message;
        }
    }

    private async Task<ProjectOutcome> RunAsync(CommandExecRequest request, Typist who, string? rule)
    {
        var taken = await runs.ExecAsync(request, who, rule, CancellationToken.None);
        var over = taken.Live is { } live ? await live.Over : taken.Run;
        return over.Sha256 is not { } sha256
            ? ProjectOutcome.Failed(over.Error ?? "It could not be run.")
            : new ProjectOutcome(
                new FinishedData(over.ExitCode, over.State != CommandRunState.Exited || over.ExitCode != 0,
                    (long?)(over.EndedAt - over.StartedAt)?.TotalMilliseconds, over.Bytes, sha256), over.Error);
    }
}
