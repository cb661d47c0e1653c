using PocketCoder.Agents;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Conversations;

/// <summary>
/// Conversations that agents keep on this machine, begun in a terminal: which there are, and taking one over into a session. Thread-safe.
/// </summary>
public sealed class ConversationService(AgentCatalog agents, Store store, SecretService secrets)
{
    /// <summary>Of each agent in one list.</summary>
    private const int MostListed = 50;

    /// <summary>Among so many of the newest one can be taken over.</summary>
    private const int MostSearched = 200;

    // agents start a process to tell: however often somebody asks, only one list is made at a time
    private readonly AsyncSemaphore _listing = new();

    /// <exception cref="RequestFailure">INVALID_REQUEST: that agent is not known, or can't tell.</exception>
    public async Task<AgentConversationsResponse> ListAsync(ProjectInfo project, string? agent, CancellationToken ct)
    {
        if (agent is not null && agents.Find(agent)?.Description.Conversations != true)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, agents.Find(agent) is { } known
                ? $"{known.Description.Name} can't list its conversations." : $"There is no agent {agent}.");
        }

        var asked = agents.Known.Where(a => a is { Installed: true, Conversations: true } && (agent is null || a.Id == agent))
            .Select(a => agents.Find(a.Id)!);
        (string Agent, IReadOnlyList<AgentConversation> Found, string? Why)[] answers;
        await _listing.WaitAsync(ct);
        try
        {
            answers = await Task.WhenAll(asked.Select(d => AskAsync(d, project, ct)));
        }
        finally
        {
            _listing.Release();
        }

        var taken = await store.ReadAsync(ConversationRows.Taken, ct);
        return new AgentConversationsResponse(
            [.. answers.SelectMany(a => a.Found.Select(f => Info(a.Agent, f, taken))).OrderByDescending(c => c.UpdatedAt)],
            [.. answers.Where(a => a.Why is not null).Select(a => new ConversationsMissing(a.Agent, a.Why!))]);
    }

    /// <summary>Looks whether a session may take a conversation over, and reads what was said in it.</summary>
    /// <param name="directory">Where the session is to work.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST, SESSION_OPEN_ELSEWHERE, SESSION_NOT_FOUND: no such conversation</exception>
    internal async Task<BegunConversation> TakeOverAsync(
        IAgentDriver driver, string directory, string conversation, SandboxKind sandbox, CancellationToken ct)
    {
        var agent = driver.Description;
        if (!agent.Resume || !agent.Conversations || (!agent.Continues && agent.Copies == ConversationCopies.None))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"{agent.Name} can't continue terminal conversations here.");
        }

        var isCopy = sandbox != SandboxKind.None || !agent.Continues;
        if (isCopy && agent.Copies == ConversationCopies.None)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest,
                $"{agent.Name} can continue this conversation only without a sandbox. To do that, choose \"no sandbox\".");
        }

        var (found, why) = await FindAsync(driver, directory, conversation, ct);
        if (found is null)
        {
            throw new RequestFailure(ErrorCode.SessionNotFound, why
                ?? $"{agent.Name} has no such conversation for this project, or it is not among the newest {MostSearched}.");
        }

        if (found.Directory != directory)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest,
                $"The working directory of this conversation is {found.Directory}. To continue it, add that folder: pocketcoder add {found.Directory}");
        }

        if (!isCopy && found.Open == true)
        {
            throw new RequestFailure(ErrorCode.SessionOpenElsewhere,
                "This conversation is open in a terminal on the machine. Close it there first, or choose a sandbox to continue with a copy.");
        }

        IReadOnlyList<AgentConversationPart> said;
        try
        {
            said = await driver.ReadConversationAsync(found.Id, found.Directory, ct);
        }
        catch (AgentException)
        {
            said = []; // then it is not shown, and the session says so
        }

        return new BegunConversation(
            found with { Title = secrets.Redactor.Redact(found.Title) }, isCopy ? agent.Copies : ConversationCopies.None, agent.Name, said);
    }

    private static async Task<(AgentConversation? Found, string? Why)> FindAsync(
        IAgentDriver driver, string directory, string conversation, CancellationToken ct)
    {
        try
        {
            return ((await driver.ListConversationsAsync(directory, MostSearched, ct)).FirstOrDefault(c => c.Id == conversation), null);
        }
        catch (AgentException e)
        {
            return (null, e.Message);
        }
    }

    private static async Task<(string Agent, IReadOnlyList<AgentConversation> Found, string? Why)> AskAsync(
        IAgentDriver driver, ProjectInfo project, CancellationToken ct)
    {
        try
        {
            return (driver.Description.Id, await driver.ListConversationsAsync(project.Path, MostListed, ct), null);
        }
        catch (Exception e) when (e is AgentException or IOException or UnauthorizedAccessException)
        {
            return (driver.Description.Id, [], e.Message);
        }
    }

    private ConversationInfo Info(
        string agent, AgentConversation found, IReadOnlyDictionary<(string Agent, string Conversation), Guid> taken) => new(
        agent, found.Id, secrets.Redactor.Redact(found.Title), found.Directory, Instant.Truncate(found.UpdatedAt), found.Open,
        taken.TryGetValue((agent, found.Id), out var session) ? session : null);
}
