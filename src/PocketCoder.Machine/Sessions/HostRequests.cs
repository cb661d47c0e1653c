using PocketCoder.Agents;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Tools;

namespace PocketCoder.Machine.Sessions;

/// <summary>A call of a tool of ours, understood, that waits for a person.</summary>
internal abstract record HostRequest(AgentHostCall Call) : AgentEvent;

/// <param name="As">What is shown, decided on and digested.</param>
/// <param name="Pins">What the command meant when it was asked.</param>
internal sealed record HostCommand(AgentHostCall Call, BashTool Bash, AgentApprovalAsked As, CommandPins Pins) : HostRequest(Call);

/// <param name="JobApproval">The job, by the decision that it runs by.</param>
internal sealed record HostInput(AgentHostCall Call, AgentApprovalAsked As, Guid JobApproval, string Text, bool Close) : HostRequest(Call);

/// <param name="Sha256">Of the file when it was asked.</param>
internal sealed record HostFile(AgentHostCall Call, AgentApprovalAsked As, SendFileTool File, string Sha256) : HostRequest(Call);

internal sealed record HostQuestion(AgentHostCall Call, AgentQuestionAsked Question) : HostRequest(Call);
