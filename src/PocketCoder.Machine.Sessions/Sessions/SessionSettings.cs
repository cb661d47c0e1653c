using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Machine.Sessions.Marks;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Machine.Sessions.Turns;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The settings of a session that people change. On the mailbox only; holds nothing.</summary>
internal sealed class SessionSettings(
    SessionContext session, AgentHost host, AgentOffers offers, JobTool jobs, Marking marking, ITurnControl turns)
{
    /// <summary>Changes title, mode, model, effort, archived, held, and the person's marks: those that are given.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, CONFLICT</exception>
    public async Task ChangeAsync(AgentSessionSetRequest request)
    {
        if (request.Mode is { } mode && !session.Driver.Description.Modes.Contains(mode, StringComparer.Ordinal))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest,
                $"{session.Driver.Description.Name} has no mode {mode}. It has: {string.Join(", ", session.Driver.Description.Modes)}.");
        }

        if (request.Model is not null && !session.Driver.Description.Models)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{session.Driver.Description.Name} has one model only.");
        }

        AgentChoices.RequireModel(session.Driver.Description, request.Model);
        AgentChoices.RequireEffort(session.Driver.Description, Chosen(request.Effort), host.Agent is null ? null : offers.Efforts);
        var marks = marking.Of(request);
        if (request.Archived == true && session.Turn is not null)
        {
            throw new RequestFailure(ErrorCode.Conflict, "The session is working. Stop it first.");
        }

        if (request.Archived == true)
        {
            await jobs.EndAllAsync("the end of the session");
        }

        if (host.Agent is { } process)
        {
            if (request.Mode is not null)
            {
                await process.SetModeAsync(request.Mode, CancellationToken.None);
            }

            if (request.Model is not null)
            {
                await process.SetModelAsync(Chosen(request.Model), CancellationToken.None);
            }

            if (request.Effort is not null)
            {
                await process.SetEffortAsync(Chosen(request.Effort), CancellationToken.None);
            }
        }

        await session.SaveAsync(marks, IsChange(request), record => record with
        {
            Title = request.Title ?? record.Title,
            Mode = request.Mode ?? record.Mode,
            Model = request.Model is { } model ? Chosen(model) : record.Model,
            Archived = request.Archived ?? record.Archived,
            Held = request.Held ?? record.Held,
            Prompting = record.Prompting with
            {
                Effort = request.Effort is { } effort ? Chosen(effort) : record.Prompting.Effort,
                Renamed = record.Prompting.Renamed || request.Title is not null
            },
        });
        if (request.Held == false)
        {
            turns.StartNextSoon();
        }
    }

    /// <summary>Marks are none: who pins a session does not want it to come as the one that changed last.</summary>
    private static bool IsChange(AgentSessionSetRequest request)
        => (request.Title ?? request.Mode ?? request.Model ?? request.Effort) is not null || (request.Archived ?? request.Held) is not null;

    /// <summary>Of a request's field that names something or, empty, the agent's default: null then.</summary>
    private static string? Chosen(string? name) => name is { Length: > 0 } ? name : null;
}
