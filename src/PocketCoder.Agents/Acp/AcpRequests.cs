using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Acp;

/// <summary>What an ACP agent asks us: permissions, questions, files. Whatever is not understood is refused. Not thread-safe, except for the end of an act.</summary>
internal sealed class AcpRequests(AcpAgent agent, string workingDirectory, Func<byte[], CancellationToken, Task> write)
{
    private const int MaxAllowed = 256;

    private readonly Dictionary<string, Pending> pending = new(StringComparer.Ordinal);

    /// <summary>The last change to each path that was allowed by a permission, while its call runs: some agents (opencode) then also have it written by us.</summary>
    private readonly Dictionary<string, (string Call, FileChange Change)> allowed = new(StringComparer.Ordinal);

    private volatile int turn;
    private volatile bool isOver;
    private int files;

    private enum Kind
    {
        Permission,
        Plan,
        Question,
        Act,
        Extra,
    }

    public void BeginTurn()
    {
        turn++;
        isOver = false;
        allowed.Clear();
    }

    public void Permission(string rawId, JsonElement parameters, AcpCall call, RpcOutput output)
    {
        call.WasAsked = true;
        var allow = Option(parameters, "allow_once");
        var reject = Option(parameters, "reject_once") ?? Option(parameters, "reject_always");
        if (allow is null)
        {
            // Only "always": one yes would be a yes to what nobody has seen.
            output.Lines.Add(reject is null ? AcpMessages.Cancelled(rawId) : AcpMessages.Selected(rawId, reject));
            return;
        }

        var id = $"{turn}/{rawId}";
        if (call.Kind == ToolKind.Plan)
        {
            using var input = LineJson.TryParse(System.Text.Encoding.UTF8.GetBytes(call.InputJson ?? "{}"));
            pending[id] = new Pending(Kind.Plan, rawId) { Allow = allow, Reject = reject };
            output.Events.Add(new AgentPlanProposed(id, call.Id, input?.RootElement.Text("plan") ?? call.Output));
            return;
        }

        // What is approved is the tool's input where the agent tells it, else all that it told.
        var json = call.InputJson ?? parameters.Object("toolCall")?.GetRawText() ?? "{}";
        var change = call.Diff is { } diff ? AcpChange.Predict(diff, workingDirectory) : null;
        AgentSubject subject = call.Kind == ToolKind.Execute && Command(call) is { } command
            ? new AgentSubject.Command(command, workingDirectory)
            : change is not null ? new AgentSubject.Edit(change.Change) : new AgentSubject.Tool(call.Name);
        pending[id] = new Pending(Kind.Permission, rawId) { Allow = allow, Reject = reject, InputJson = json, Change = change, CallId = call.Id };
        output.Events.Add(new AgentApprovalAsked(id, call.Id, call.Name, subject, json)
        {
            Reason = subject is AgentSubject.Edit ? null : BoundedText.OneLine(call.Title),
        });
    }

    /// <summary><c>elicitation/create</c> with a form of choices.</summary>
    public void Question(string rawId, JsonElement parameters, RpcOutput output)
    {
        var questions = new List<AgentQuestion>();
        var fields = new List<Field>();
        if (parameters.Text("mode") == "form" && parameters.Object("requestedSchema")?.Object("properties") is { } properties)
        {
            var names = properties.EnumerateObject().Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
            foreach (var property in properties.EnumerateObject().Where(p => !p.Name.EndsWith("_custom", StringComparison.Ordinal) && p.Value.Text("type") == "string"))
            {
                var choices = property.Value.Items("oneOf").Where(o => o.Text("const") is not null)
                    .Select(o => new AgentOption(o.Text("const")!, o.Object("_meta")?.EnumerateObject().Select(m => m.Value.Text("description")).FirstOrDefault(d => d is not null) ?? o.Text("title")))
                    .Concat(property.Value.Items("enum").Where(e => e.AsText() is not null).Select(e => new AgentOption(e.AsText()!, null))).ToList();
                var text = questions.Count == 0 && parameters.Text("message") is { Length: > 0 } message ? message : property.Value.Text("description") ?? property.Value.Text("title") ?? property.Name;
                questions.Add(new AgentQuestion(text, property.Value.Text("title"), choices, MultiSelect: false));
                fields.Add(new Field(property.Name, text, [.. choices.Select(c => c.Label)], names.Contains($"{property.Name}_custom")));
            }
        }

        if (questions.Count == 0)
        {
            output.Lines.Add(AcpMessages.Elicited(rawId, null));
            return;
        }

        var id = $"{turn}/{rawId}";
        pending[id] = new Pending(Kind.Question, rawId) { Fields = fields };
        output.Events.Add(new AgentQuestionAsked(id, parameters.Text("toolCallId") ?? id, questions));
    }

    /// <summary>Whether a path that the agent tells of lies in the project, links resolved. What can't be resolved does.</summary>
    public bool IsInProject(string path)
        => ConfinedPath.Resolve("/", workingDirectory) is not { } root || ConfinedPath.Resolve(workingDirectory, path) is not { } real || ConfinedPath.IsInside(root, real);

    /// <summary>What an agent asks or tells by a request beyond the protocol.</summary>
    public void Extra(string rawId, AcpExtra extra, RpcOutput output)
    {
        switch (extra)
        {
            case AcpExtra.News news:
                output.Lines.Add(RpcMessages.Result(rawId, news.Answer));
                output.Events.AddRange(news.Event is { } item ? [item] : []);
                break;
            case AcpExtra.Wait wait:
                var id = $"{turn}/{rawId}";
                pending[id] = new Pending(Kind.Extra, rawId) { Reply = answer => RpcMessages.Result(rawId, wait.Answer(answer)) };
                output.Events.Add(wait.Ask(id));
                break;
        }
    }

    public void Read(string rawId, JsonElement parameters, RpcOutput output)
    {
        if (parameters.Text("path") is not { } path || ConfinedPath.Resolve("/", workingDirectory) is not { } root || ConfinedPath.Resolve(workingDirectory, path) is not { } real)
        {
            output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.InvalidParams, "There is no such path."));
            return;
        }

        var from = (int)Math.Clamp(parameters.Number("line"), 1, int.MaxValue);
        var count = parameters.Number("limit") is > 0 and var limit ? (int)Math.Min(limit, int.MaxValue) : int.MaxValue;
        if (ConfinedPath.IsInside(root, real))
        {
            output.Lines.Add(Content(rawId, real, from, count));
            return;
        }

        // Links may have been turned while the person thought.
        Ask(rawId, "fs/read_text_file", ToolKind.Read, new AgentSubject.Tool("fs/read_text_file"), parameters, real, output, async ct =>
            await write(
                ConfinedPath.Resolve(workingDirectory, path) == real ? Content(rawId, real, from, count) : RpcMessages.Error(rawId, AcpMessages.NotFound, "The path leads elsewhere now than when it was approved."),
                ct));
    }

    public void Write(string rawId, JsonElement parameters, RpcOutput output)
    {
        if (parameters.Text("path") is not { } path || parameters.Text("content") is not { } content)
        {
            output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.InvalidParams, "Give path and content."));
            return;
        }

        if (WriteTarget.Find(workingDirectory, path, out var refusal) is not { } target)
        {
            output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.InvalidParams, refusal));
            return;
        }

        if (allowed.TryGetValue(target.Path, out var known) && known.Change.After == content && (target.Before.Text == known.Change.Before || target.Before.Text == content))
        {
            // Exactly this was shown and allowed a moment ago: nobody is asked twice, and it counts once.
            allowed.Remove(target.Path);
            output.Acts.Add(InTurn(async ct =>
            {
                var why = await target.WriteAsync(content, ct);
                await write(
                    why is null || TextFile.Read(target.Path)?.Text == content ? RpcMessages.Result(rawId, _ => { }) : RpcMessages.Error(rawId, RpcMessages.InvalidParams, $"Refused: {why}"), ct);
            }));
            return;
        }

        var change = new FileChange(target.Path, target.Before.Text, content);
        Ask(rawId, "fs/write_text_file", ToolKind.Edit, new AgentSubject.Edit(change), parameters, target.Path, output, async ct =>
            await write(
                await target.WriteAsync(content, ct) is { } why ? RpcMessages.Error(rawId, RpcMessages.InvalidParams, $"Refused: {why}") : RpcMessages.Result(rawId, _ => { }),
                ct));
    }

    /// <summary>The line or the act that follows from an answer, or null when nobody waits for it any more.</summary>
    /// <exception cref="ArgumentException">This kind of answer does not fit what was asked.</exception>
    public RpcOutput? Answer(string requestId, AgentAnswer answer)
    {
        if (!pending.TryGetValue(requestId, out var request))
        {
            return null;
        }

        var output = new RpcOutput();
        switch (request.Kind, answer)
        {
            case (Kind.Permission, AgentAnswer.Allow allow) when allow.InputJson == request.InputJson && request.Change?.IsStillTrue() != false:
                output.Lines.Add(AcpMessages.Selected(request.RawId, request.Allow!));
                if (request is { Change: { } change, CallId: { } call } && allowed.Count < MaxAllowed)
                {
                    allowed[change.Change.Path] = (call, change.Change);
                }

                break;
            case (Kind.Act, AgentAnswer.Allow allow) when allow.InputJson == request.InputJson:
                output.Acts.Add(request.Act!);
                break;
            case (Kind.Plan, AgentAnswer.AcceptPlan):
                output.Lines.Add(AcpMessages.Selected(request.RawId, request.Allow!));
                break;
            case (Kind.Permission or Kind.Plan, AgentAnswer.Deny { Interrupt: true }):
                output.Lines.Add(AcpMessages.Cancelled(request.RawId));
                break;
            case (Kind.Permission, AgentAnswer.Allow or AgentAnswer.Deny) or (Kind.Plan, AgentAnswer.Deny):
                output.Lines.Add(request.Reject is { } reject ? AcpMessages.Selected(request.RawId, reject) : AcpMessages.Cancelled(request.RawId));
                break;
            case (Kind.Act, AgentAnswer.Deny deny):
                output.Lines.Add(RpcMessages.Error(request.RawId, RpcMessages.InvalidParams, $"The person denied this: {deny.Message}"));
                break;
            case (Kind.Act, AgentAnswer.Allow):
                output.Lines.Add(RpcMessages.Error(request.RawId, RpcMessages.InvalidParams, "Refused: what was approved is not what was asked."));
                break;
            case (Kind.Question, AgentAnswer.Reply reply):
                output.Lines.Add(AcpMessages.Elicited(request.RawId, request.Fields.Where(f => reply.Answers.ContainsKey(f.Text)).Select(f => f.Answer(reply.Answers[f.Text]))));
                break;
            case (Kind.Question, AgentAnswer.Deny):
                output.Lines.Add(AcpMessages.Elicited(request.RawId, null));
                break;
            case (Kind.Extra, AgentAnswer.Reply or AgentAnswer.AcceptPlan or AgentAnswer.Deny):
                output.Lines.Add(request.Reply!(answer));
                break;
            default:
                throw new ArgumentException($"{request.Kind} {requestId} can't be answered with {answer.GetType().Name}.", nameof(answer));
        }

        pending.Remove(requestId);
        return output;
    }

    /// <summary>A tool call is over: what was allowed for it is done, and no leave to do it once more.</summary>
    public void CallEnded(string id)
    {
        foreach (var (path, _) in allowed.Where(a => a.Value.Call == id).ToList())
        {
            allowed.Remove(path);
        }
    }

    /// <summary>Nobody needs to answer any more. The agent is told so where it waits.</summary>
    public void CloseAll(RpcOutput output)
    {
        foreach (var (id, request) in pending)
        {
            output.Lines.Add(request.Kind switch
            {
                Kind.Question => AcpMessages.Elicited(request.RawId, null),
                Kind.Act => RpcMessages.Error(request.RawId, RpcMessages.InvalidParams, "The turn was stopped."),
                Kind.Extra => request.Reply!(new AgentAnswer.Deny("The turn was stopped.", Interrupt: true)),
                _ => AcpMessages.Cancelled(request.RawId),
            });
            output.Events.Add(new AgentRequestWithdrawn(id));
        }

        pending.Clear();
        allowed.Clear();
        isOver = true; // all callers end the turn or stop it
    }

    private string? Command(AcpCall call)
        => call.Command ?? (agent.TitlesAreCommands && call.InputJson is null && call.Output.StartsWith($"[current working directory {workingDirectory}]", StringComparison.Ordinal) ? call.Title : null);

    private static string? Option(JsonElement parameters, string kind)
        => parameters.Items("options").FirstOrDefault(o => o.Text("kind") == kind).Text("optionId");

    private static byte[] Content(string rawId, string real, int from, int count)
    {
        if (TextFile.Read(real) is not { } file)
        {
            return RpcMessages.Error(rawId, RpcMessages.InvalidParams, $"It is no text file of at most {TextFile.MaxBytes} bytes.");
        }

        return file.Text is null
            ? RpcMessages.Error(rawId, AcpMessages.NotFound, "There is no such file.")
            : RpcMessages.Result(rawId, w => w.WriteString("content", from == 1 && count == int.MaxValue ? file.Text : string.Join('\n', file.Text.Split('\n').Skip(from - 1).Take(count))));
    }

    private void Ask(string rawId, string name, ToolKind kind, AgentSubject subject, JsonElement parameters, string path, RpcOutput output, Func<CancellationToken, Task> act)
    {
        var id = $"{turn}/{rawId}";
        var tool = $"{name}-{turn}-{++files}";
        var json = parameters.GetRawText();
        pending[id] = new Pending(Kind.Act, rawId) { InputJson = json, Act = InTurn(act) };
        output.Events.Add(new AgentToolUse(tool, name, kind, path, json) { Path = path, Change = (subject as AgentSubject.Edit)?.Change });
        output.Events.Add(new AgentApprovalAsked(id, tool, name, subject, json));
    }

    /// <summary>The act, unless the turn was stopped between the answer and now: then nothing begins.</summary>
    private Func<CancellationToken, Task> InTurn(Func<CancellationToken, Task> act)
    {
        var asked = turn;
        return async ct =>
        {
            ct.ThrowIfCancellationRequested();
            if (!isOver && turn == asked)
            {
                await act(ct);
            }
        };
    }

    private sealed record Field(string Property, string Text, IReadOnlyList<string> Choices, bool HasCustom)
    {
        public (string Property, string Value) Answer(string answer)
            => (HasCustom && !Choices.Contains(answer, StringComparer.Ordinal) ? $"{Property}_custom" : Property, answer);
    }

    private sealed record Pending(Kind Kind, string RawId)
    {
        public string? Allow { get; init; }

        public string? Reject { get; init; }

        public string InputJson { get; init; } = "";

        public AcpChange? Change { get; init; }

        public string? CallId { get; init; }

        public IReadOnlyList<Field> Fields { get; init; } = [];

        public Func<CancellationToken, Task>? Act { get; init; }

        public Func<AgentAnswer, byte[]>? Reply { get; init; }
    }
}
