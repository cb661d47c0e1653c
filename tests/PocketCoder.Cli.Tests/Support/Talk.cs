using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Cli.Tests;

/// <summary>What a person does on a phone, with the demo agent.</summary>
internal static class Talk
{
    /// <summary>Prompts in the first project, decides on what is asked, and waits for the end of the turn.</summary>
    /// <param name="verdict">Null: the prompt asks for nothing.</param>
    public static async Task<Guid> PromptAsync(this TestDevice device, string prompt, DecisionVerdict? verdict = null)
    {
        var state = await device.AskAsync(MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);
        var session = Guid.CreateVersion7();
        await device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), state.Projects[0].ProjectId, "stub", prompt),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await device.SubscribeAsync($"session/{session}");
        if (verdict is { } decided)
        {
            var asked = await device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending);
            await device.DecideAsync(asked.Approval, decided);
        }

        await device.NextEventAsync<DoneEvent>();
        return session;
    }
}
