using PocketCoder.Agents;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>Whether an agent has what is chosen for it: its model and its effort. Pure.</summary>
public static class AgentChoices
{
    /// <summary>
    /// A model that the agent can't have is refused here, where somebody reads why, and not by a turn that fails. Null and the empty text
    /// are its default.
    /// </summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void RequireModel(AgentDescription agent, string? model)
    {
        if (!string.IsNullOrEmpty(model) && !agent.Models)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{agent.Name} has one model only.");
        }

        if (!string.IsNullOrEmpty(model) && agent.FixedModels.Count > 0 && !agent.FixedModels.Contains(model, StringComparer.Ordinal))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest, $"{agent.Name} has no model {model}. It has: {string.Join(", ", agent.FixedModels)}.");
        }
    }

    /// <param name="told">By the agent itself, once it ran; null: nothing yet.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void RequireEffort(AgentDescription agent, string? effort, IReadOnlyList<string>? told = null)
    {
        var efforts = told ?? agent.Efforts;
        if (agent.EffortsTold && told is null)
        {
            RequireName(effort, "effort");
        }
        else if (effort is not null && !efforts.Contains(effort, StringComparer.Ordinal))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest,
                efforts.Count == 0 ? $"{agent.Name}'s effort can't be chosen."
                    : $"{agent.Name} has no effort {effort}. It has: {string.Join(", ", efforts)}.");
        }
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void RequireName(string? name, string field)
    {
        if (name is not null && (name.Length is 0 or > Limits.NameLength || name.Any(char.IsControl)))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest, $"{field} must have 1 to {Limits.NameLength} characters and no control characters.");
        }
    }
}
