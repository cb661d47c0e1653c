using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.EndToEnd.Tests.Crash;

internal enum ErrandKind
{
    NewSession,
    Prompt,
    Decide,
    Edit,
    Remove,
}

/// <summary>
/// One request of the phone with the id that makes it one thing however often it is sent. It stays in the outbox until an answer came.
/// </summary>
/// <param name="Id">The prompt's id, or the decision's.</param>
/// <param name="Content">The prompt's text.</param>
internal sealed record Errand(
    ErrandKind Kind, Guid Id, Guid Session, string? Content = null, ApprovalInfo? Approval = null, DecisionRequest? Decision = null)
{
    public int Sent { get; set; }

    /// <summary>An answer came.</summary>
    public bool Acknowledged { get; set; }

    /// <summary>The answer, when it was a refusal.</summary>
    public WireError? Refusal { get; set; }

    public bool Accepted => Acknowledged && Refusal is null;

    /// <summary>Refusals that are an honest outcome: another decision was first, or the prompt has left the queue.</summary>
    public bool MayBeRefusedWith(ErrorCode code) => Kind switch
    {
        ErrandKind.Decide => code == ErrorCode.AlreadyDecided,
        ErrandKind.Edit or ErrandKind.Remove => code == ErrorCode.TurnNotFound,
        _ => false,
    };

    public Task SendAsync(TestDevice device, Guid project, string agent) => Kind switch
    {
        ErrandKind.NewSession => device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(Session, Id, project, agent, Content!),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse),
        ErrandKind.Prompt => device.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(Session, Id, Content!), ProtocolJson.Default.AgentMessageRequest,
            ProtocolJson.Default.AgentMessageResponse),
        ErrandKind.Decide => device.AskAsync(
            MessageTypes.AgentPromptResponse, Decision!, ProtocolJson.Default.DecisionRequest, ProtocolJson.Default.DecisionResponse),
        ErrandKind.Edit => device.AskAsync(
            MessageTypes.AgentQueueEdit, new AgentQueueEditRequest(Session, Id, Content!), ProtocolJson.Default.AgentQueueEditRequest,
            ProtocolJson.Default.AgentQueueEditResponse),
        _ => device.AskAsync(
            MessageTypes.AgentQueueRemove, new AgentQueueRemoveRequest(Session, Id), ProtocolJson.Default.AgentQueueRemoveRequest,
            ProtocolJson.Default.AgentQueueRemoveResponse),
    };
}
