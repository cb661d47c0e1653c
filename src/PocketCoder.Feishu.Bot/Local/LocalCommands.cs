using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Talking;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>
/// The text commands and what is done with tasks. A task is a session of its own, in a project's folder. Whatever it does, the machine asks
/// for as always: a decision names the approval that was seen, and counts once.
/// </summary>
internal sealed class LocalCommands(LocalTasks tasks, BotNotes notes, TimeProvider time)
{
    private const string Demo = "demo";
    private const int LongestRequestId = 64;

    private const string Help =
        "/run PROMPT\n/status TASK\n/approve TASK CODE\n/reject TASK [CODE]\n/help\nA task shows the code of what waits for a decision.";

    private static readonly LocalJson s_json = LocalJson.Default;

    public IEnumerable<LocalRoute> Routes =>
    [
        new("GET", "/tasks", false, ListAsync),
        new("GET", "/tasks/{id}", false, GetAsync),
        new("POST", "/demo/command", true, CommandAsync),
        new("POST", "/demo/tasks/{id}/approve", true, (r, ct) => DecidedAsync(r, DecisionVerdict.Allow, ct)),
        new("POST", "/demo/tasks/{id}/reject", true, (r, ct) => DecidedAsync(r, DecisionVerdict.Deny, ct)),
    ];

    /// <summary>Reads a body, strictly.</summary>
    /// <exception cref="LocalFailure">INVALID_REQUEST</exception>
    public static T Read<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body.Span, type) ?? throw LocalFailure.Wrong("The body must not be null.");
        }
        catch (JsonException e)
        {
            // Its own message may quote what was sent.
            throw LocalFailure.Wrong($"The body is not the JSON that this route takes{(e.Path is { Length: > 0 and < 64 } at ? $" (at {at})" : "")}.");
        }
    }

    private async Task<byte[]> ListAsync(LocalRequest request, CancellationToken cancellationToken)
        => JsonSerializer.SerializeToUtf8Bytes(new TaskList(await tasks.ListAsync(request.Person, cancellationToken)), s_json.TaskList);

    private async Task<byte[]> GetAsync(LocalRequest request, CancellationToken cancellationToken)
        => JsonSerializer.SerializeToUtf8Bytes(
            await tasks.ReadAsync(
                request.Person, await tasks.FindAsync(request.Person, request.Id, cancellationToken), cancellationToken),
            s_json.TaskRow);

    private async Task<byte[]> CommandAsync(LocalRequest request, CancellationToken cancellationToken)
    {
        var body = Read(request.Body, s_json.CommandBody);
        var text = body.Text.Trim();
        var (word, rest) = text.IndexOfAny([' ', '\n', '\t']) is var end and > 0 ? (text[..end], text[end..].Trim()) : (text, "");
        var answer = word switch
        {
            "/run" when rest.Length > 0 => await RunAsync(request.Person, rest, body, cancellationToken),
            "/status" when rest.Length > 0 => Told(await ReadAsync(request.Person, rest, cancellationToken), null),
            "/approve" or "/reject" when rest.Length > 0 => await DecideAsync(
                request.Person, rest, word == "/approve" ? DecisionVerdict.Allow : DecisionVerdict.Deny, cancellationToken),
            _ => new CommandAnswer(true, Demo, Help, null, null, null),
        };
        return JsonSerializer.SerializeToUtf8Bytes(answer, s_json.CommandAnswer);
    }

    private static CommandAnswer Told(TaskRow task, string? action)
        => new(true, Demo, TaskWords.Text(task), task.Id, action, task);

    private async Task<TaskRow> ReadAsync(Person person, string id, CancellationToken cancellationToken)
        => await tasks.ReadAsync(person, await tasks.FindAsync(person, id, cancellationToken), cancellationToken);

    private async Task<CommandAnswer> RunAsync(Person person, string prompt, CommandBody body, CancellationToken cancellationToken)
    {
        var item = await ItemAsync(body.RequestId, cancellationToken);
        var project = await ProjectAsync(person, body.Project, cancellationToken);
        var defaults = (await person.AskAsync(
            Verbs.ProjectDefaultsGet, new ProjectDefaultsGetRequest(project.ProjectId), cancellationToken)).Defaults;
        var chosen = await notes.FindAsync(LocalNotes.Agent, project.ProjectId.ToString("N"), cancellationToken);
        var agent = defaults.Agent ?? chosen?.Agent
            ?? (await WorkspaceActions.AgentsAsync(person, cancellationToken)).Select(a => a.Value).FirstOrDefault()
            ?? throw LocalFailure.Conflict("No agent is installed on the machine.");
        var (session, turn) = (EventIds.Of(item, "session"), EventIds.Of(item, "prompt"));
        await person.AskAsync(
            DeviceVerbs.AgentSessionNew,
            new AgentSessionNewRequest(
                session, turn, project.ProjectId, agent, prompt, defaults.Mode, defaults.Model, defaults.Sandbox, Effort: defaults.Effort),
            cancellationToken);
        await tasks.AddAsync(turn, session, cancellationToken);
        return Told(await ReadAsync(person, LocalTasks.Id(turn), cancellationToken), "start");
    }

    /// <summary>What ids are made of: the same for the same request, so that what comes again after a lost answer is one task.</summary>
    private async Task<InboxItem> ItemAsync(string? requestId, CancellationToken cancellationToken)
    {
        if (requestId is null)
        {
            return new InboxItem($"{Guid.CreateVersion7():N}", time.GetUtcNow(), EntryLocalHttp.Account, Demo, null, null);
        }

        if (requestId.Length is 0 or > LongestRequestId
            || !requestId.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or ':'))
        {
            throw LocalFailure.Wrong($"A request_id has 1 to {LongestRequestId} letters, digits and _-.: characters.");
        }

        await notes.AddAsync(LocalNotes.Request, $"run/{requestId}", new RequestNote(time.GetUtcNow()), cancellationToken);
        var first = await notes.FindAsync(LocalNotes.Request, $"run/{requestId}", cancellationToken);
        return new InboxItem(
            $"request {requestId}", first?.At ?? time.GetUtcNow(), EntryLocalHttp.Account, Demo, null, null);
    }

    private static async Task<ProjectInfo> ProjectAsync(Person person, string? wanted, CancellationToken cancellationToken)
    {
        var all = (await person.AskAsync(Verbs.ProjectsList, new ProjectsListRequest(), cancellationToken))
            .Projects.Where(p => p.Worktree is null && !p.Missing).ToList();
        if (wanted is null)
        {
            return all is [var only] ? only : throw LocalFailure.Conflict(
                all.Count == 0 ? "No project is registered. Add one: pocketcoder add FOLDER"
                    : $"{all.Count} projects are registered. Name one: \"project\".");
        }

        var fits = all.Where(p => p.Name == wanted || (Guid.TryParse(wanted, out var id) && p.ProjectId == id)).ToList();
        return fits is [var one] ? one : throw LocalFailure.Of(new WireError(
            ErrorCode.ProjectNotFound, fits.Count == 0 ? "There is no such project." : "More than one project has this name. Name its id."));
    }

    private async Task<byte[]> DecidedAsync(LocalRequest request, DecisionVerdict verdict, CancellationToken cancellationToken)
    {
        var code = request.Body.IsEmpty ? null : Read(request.Body, s_json.DecisionBody).Code;
        var answer = await DecideAsync(request.Person, $"{request.Id} {code}", verdict, cancellationToken);
        return JsonSerializer.SerializeToUtf8Bytes(
            new DecisionAnswer(true, Demo, answer.ResponseText, answer.Task!), s_json.DecisionAnswer);
    }

    /// <param name="words">The task, and the code of what waits; without one, all that waits is rejected and nothing allowed.</param>
    private async Task<CommandAnswer> DecideAsync(
        Person person, string words, DecisionVerdict verdict, CancellationToken cancellationToken)
    {
        var (id, code) = words.Split(' ', 2, StringSplitOptions.TrimEntries) is [var first, { Length: > 0 } second] ? (first, second)
            : (words.Trim(), null);
        var task = await tasks.FindAsync(person, id, cancellationToken);
        foreach (var asked in await MeantAsync(person, task, code, verdict, cancellationToken))
        {
            await person.AskAsync(
                Verbs.AgentPromptResponse,
                new DecisionRequest(
                    asked.ApprovalId, EventIds.Of(DecisionOf(asked, verdict), "decision"), verdict, DecisionScope.Once, asked.Digest, ""),
                cancellationToken);
        }

        return Told(await ReadAsync(person, id, cancellationToken), "resume");
    }

    private static async Task<IReadOnlyList<ApprovalInfo>> MeantAsync(
        Person person, KnownTask task, string? code, DecisionVerdict verdict, CancellationToken cancellationToken)
    {
        if (code is null)
        {
            return verdict == DecisionVerdict.Allow
                ? throw LocalFailure.Wrong("Name what is allowed: {\"code\": …}, as the task's approvals show it.")
                : await LocalTasks.PendingAsync(person, task, cancellationToken) is { Count: > 0 } waiting ? waiting
                    : throw LocalFailure.Conflict("Nothing of this task waits for a decision.");
        }

        var all = await LocalTasks.ApprovalsAsync(person, task, isPending: false, cancellationToken);
        if (all.FirstOrDefault(a => TaskWords.Code(a) == code) is not { } asked)
        {
            throw LocalFailure.Of(new WireError(ErrorCode.ApprovalNotFound, "This task has no approval with this code."));
        }

        return verdict == DecisionVerdict.Allow && asked.Kind == ApprovalKind.Question
            ? throw LocalFailure.Conflict("Questions are answered in the app.") : [asked];
    }

    /// <summary>The same decision has the same id: sent again, it is the one that was made.</summary>
    private static InboxItem DecisionOf(ApprovalInfo asked, DecisionVerdict verdict)
        => new($"{asked.ApprovalId:N} {verdict}", asked.RequestedAt, EntryLocalHttp.Account, Demo, null, null);
}
