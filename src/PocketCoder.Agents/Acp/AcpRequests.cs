using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Acp;

/// <summary>
/// What an ACP agent asks us: permissions, questions, files. Whatever is not understood is refused. Not thread-safe, except for the end of
/// an act.
/// </summary>
internal sealed class AcpRequests(AcpAgent agent, AgentStart start, Func<byte[], CancellationToken, Task> write, string? agentHome = null)
{
    private const int MaxAllowed = 256;
    private const int MaxUntold = 20;
    private const int LongestTitle = 200;

    private readonly string _workingDirectory = start.WorkingDirectory;
    private readonly ReadRules _reads = new(start, agentHome);
    private readonly Dictionary<string, Pending> _pending = new(StringComparer.Ordinal);

    /// <summary>
    /// The last change to each path that was allowed by a permission, while its call runs: some agents (opencode) then also have it written
    /// by us.
    /// </summary>
    private readonly Dictionary<string, (string Call, FileChange Change)> _allowed = new(StringComparer.Ordinal);

    /// <summary>Refusals whose reasons the model has not heard, oldest first.</summary>
    private readonly Queue<string> _untold = new();

    private volatile int _turn;
    private volatile bool _isOver;
    private int _files;

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
        _turn++;
        _isOver = false;
        _allowed.Clear();
    }

    public void Permission(string rawId, JsonElement parameters, AcpCall call, RpcOutput output)
    {
        call.WasAsked = true;
        var allow = Option(parameters, "allow_once");
        var reject = Option(parameters, "reject_once") ?? Option(parameters, "reject_always");
        if (allow is null)
        {
            // Only "always": one yes would be a yes to what nobody has seen.
            Refuse(rawId, call.Id, call.Title, reject,
                "Refused: it can be allowed here only once at a time, and the agent offers no such choice.", output);
            return;
        }

        var id = $"{_turn}/{rawId}";
        if (call.Kind == ToolKind.Plan)
        {
            using var input = LineJson.TryParse(System.Text.Encoding.UTF8.GetBytes(call.InputJson ?? "{}"));
            _pending[id] = new Pending(Kind.Plan, rawId) { Allow = allow, Reject = reject, CallId = call.Id, Title = call.Title };
            output.Events.Add(new AgentPlanProposed(id, call.Id, input?.RootElement.Text("plan") ?? call.Output));
            return;
        }

        // Of what it names, nothing may be PocketCoder's own: it would read it by itself after a yes.
        var tree = call.Kind == ToolKind.Search;
        var places = call.Places.Select(p => (Path: p, There: _reads.Judge(p, tree))).ToList();
        if (call.Kind != ToolKind.Execute && places.Exists(p => p.There.Place == ReadPlace.Closed))
        {
            Refuse(rawId, call.Id, call.Title, reject, ReadRules.ClosedWords, output);
            return;
        }

        // What is approved is the tool's input where the agent tells it, else all that it told.
        var json = call.InputJson ?? parameters.Object("toolCall")?.GetRawText() ?? "{}";
        var change = call.Diff is { } diff ? AcpChange.Predict(diff, _workingDirectory) : null;
        AgentSubject subject = call.Kind == ToolKind.Execute && Command(call) is { } command
            ? new AgentSubject.Command(command, _workingDirectory)
            : change is not null ? new AgentSubject.Edit(change.Change) : new AgentSubject.Tool(call.Name);
        var reading = call.Kind is ToolKind.Read or ToolKind.Search
            && subject is AgentSubject.Tool ? places.Cast<(string Path, ReadVerdict There)?>().FirstOrDefault() : null;
        _pending[id] = new Pending(Kind.Permission, rawId)
        {
            Allow = allow,
            Reject = reject,
            InputJson = json,
            Change = change,
            CallId = call.Id,
            Title = call.Title,
            StillLeads = reading is { } read ? () => _reads.StillLeadsTo(read.Path, read.There, tree) : null,
        };
        output.Events.Add(new AgentApprovalAsked(id, call.Id, call.Name, subject, json)
        {
            Reason = subject is AgentSubject.Edit ? null : BoundedText.OneLine(call.Title),
            Reads = reading?.There.Real,
            ReadsTree = tree,
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
            foreach (var property in properties.EnumerateObject()
                .Where(p => !p.Name.EndsWith("_custom", StringComparison.Ordinal) && p.Value.Text("type") == "string"))
            {
                var choices = property.Value.Items("oneOf").Where(o => o.Text("const") is not null)
                    .Select(o => new AgentOption(o.Text("const")!, o.Object("_meta")?.EnumerateObject()
                        .Select(m => m.Value.Text("description")).FirstOrDefault(d => d is not null) ?? o.Text("title")))
                    .Concat(property.Value.Items("enum").Where(e => e.AsText() is not null).Select(e => new AgentOption(e.AsText()!, null)))
                    .ToList();
                var text = questions.Count == 0 && parameters.Text("message") is { Length: > 0 } message ? message
                    : property.Value.Text("description") ?? property.Value.Text("title") ?? property.Name;
                questions.Add(new AgentQuestion(text, property.Value.Text("title"), choices, MultiSelect: false));
                fields.Add(new Field(property.Name, text, [.. choices.Select(c => c.Label)], names.Contains($"{property.Name}_custom")));
            }
        }

        if (questions.Count == 0)
        {
            output.Lines.Add(AcpMessages.Elicited(rawId, null));
            return;
        }

        var id = $"{_turn}/{rawId}";
        _pending[id] = new Pending(Kind.Question, rawId) { Fields = fields };
        output.Events.Add(new AgentQuestionAsked(id, parameters.Text("toolCallId") ?? id, questions));
    }

    /// <summary>Whether a path that the agent tells of lies in the project, links resolved. What can't be resolved does.</summary>
    public bool IsInProject(string path)
        => ConfinedPath.Resolve("/", start.Project) is not { } root || ConfinedPath.Resolve(_workingDirectory, path) is not { } real
            || ConfinedPath.IsInside(root, real);

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
                var id = $"{_turn}/{rawId}";
                _pending[id] = new Pending(Kind.Extra, rawId) { Reply = answer => RpcMessages.Result(rawId, wait.Answer(answer)) };
                output.Events.Add(wait.Ask(id));
                break;
        }
    }

    public void Read(string rawId, JsonElement parameters, RpcOutput output)
    {
        if (parameters.Text("path") is not { } path || _reads.Judge(path) is not { Place: not ReadPlace.Nowhere } there)
        {
            output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.InvalidParams, "There is no such path."));
            return;
        }

        var from = (int)Math.Clamp(parameters.Number("line"), 1, int.MaxValue);
        var count = parameters.Number("limit") is > 0 and var limit ? (int)Math.Min(limit, int.MaxValue) : int.MaxValue;
        if (there.Place == ReadPlace.Free)
        {
            output.Lines.Add(Content(rawId, there.Real, from, count));
            return;
        }

        if (there.Place == ReadPlace.Closed || start.HostTools.Count > 0)
        {
            // This process reads, whatever the session's sandbox is.
            var why = there.Place == ReadPlace.Closed ? ReadRules.ClosedWords
                : "That leads out of the project, and in a sandboxed session nothing else is read here.";
            output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.InvalidParams, why));
            return;
        }

        // Links may have been turned while the person thought.
        Ask(rawId, "fs/read_text_file", ToolKind.Read, new AgentSubject.Tool("fs/read_text_file"), parameters, there.Real, output,
            async ct =>
            await write(
                _reads.StillLeadsTo(path, there) ? Content(rawId, there.Real, from, count)
                    : RpcMessages.Error(rawId, AcpMessages.NotFound, "The path leads elsewhere now than when it was approved."),
                ct));
    }

    public void Write(string rawId, JsonElement parameters, RpcOutput output)
    {
        if (parameters.Text("path") is not { } path || parameters.Text("content") is not { } content)
        {
            output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.InvalidParams, "Give path and content."));
            return;
        }

        if (WriteTarget.Find(_workingDirectory, path, out var refusal, start.Project) is not { } target)
        {
            output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.InvalidParams, refusal));
            return;
        }

        if (_allowed.TryGetValue(target.Path, out var known) && known.Change.After == content
            && (target.Before.Text == known.Change.Before || target.Before.Text == content))
        {
            // Exactly this was shown and allowed a moment ago: nobody is asked twice, and it counts once.
            _allowed.Remove(target.Path);
            output.Acts.Add(InTurn(async ct =>
            {
                var why = await target.WriteAsync(content, start.HoldsSecrets, ct);
                await write(
                    why is null || TextFile.Read(target.Path)?.Text == content ? RpcMessages.Result(rawId, _ => { })
                        : RpcMessages.Error(rawId, RpcMessages.InvalidParams, $"Refused: {why}"), ct);
            }));
            return;
        }

        var change = new FileChange(target.Path, target.Before.Text, content);
        Ask(rawId, "fs/write_text_file", ToolKind.Edit, new AgentSubject.Edit(change), parameters, target.Path, output, async ct =>
            await write(
                await target.WriteAsync(content, start.HoldsSecrets, ct) is { } why
                    ? RpcMessages.Error(rawId, RpcMessages.InvalidParams, $"Refused: {why}") : RpcMessages.Result(rawId, _ => { }),
                ct));
    }

    /// <summary>The line or the act that follows from an answer, or null when nobody waits for it any more.</summary>
    /// <exception cref="ArgumentException">This kind of answer does not fit what was asked.</exception>
    public RpcOutput? Answer(string requestId, AgentAnswer answer)
    {
        if (!_pending.TryGetValue(requestId, out var request))
        {
            return null;
        }

        var output = new RpcOutput();
        switch (request.Kind, answer)
        {
            case (Kind.Permission, AgentAnswer.Allow allow) when allow.InputJson == request.InputJson
                && request.Change?.IsStillTrue() != false && request.StillLeads?.Invoke() != false:
                output.Lines.Add(AcpMessages.Selected(request.RawId, request.Allow!));
                if (request is { Change: { } change, CallId: { } call } && _allowed.Count < MaxAllowed)
                {
                    _allowed[change.Change.Path] = (call, change.Change);
                }

                break;
            case (Kind.Act, AgentAnswer.Allow allow) when allow.InputJson == request.InputJson:
                output.Acts.Add(request.Act!);
                break;
            case (Kind.Plan, AgentAnswer.AcceptPlan):
                output.Lines.Add(AcpMessages.Selected(request.RawId, request.Allow!));
                break;
            case (Kind.Permission or Kind.Plan, AgentAnswer.Deny { Interrupt: true } stop):
                output.Lines.Add(AcpMessages.Cancelled(request.RawId)); // the turn ends: its model hears nothing more
                output.Events.Add(new AgentToolResult(request.CallId!, IsError: true, stop.Message));
                break;
            case (Kind.Permission or Kind.Plan, AgentAnswer.Deny deny):
                Refuse(request.RawId, request.CallId!, request.Title, request.Reject, deny.Message, output);
                break;
            case (Kind.Permission, AgentAnswer.Allow allow):
                Refuse(request.RawId, request.CallId!, request.Title, request.Reject, WhyNot(request, allow), output);
                break;
            case (Kind.Act, AgentAnswer.Deny deny):
                output.Lines.Add(RpcMessages.Error(request.RawId, RpcMessages.InvalidParams, $"The user denied this: {deny.Message}"));
                break;
            case (Kind.Act, AgentAnswer.Allow):
                output.Lines.Add(RpcMessages.Error(
                    request.RawId, RpcMessages.InvalidParams, "Refused: what was approved is not what was asked."));
                break;
            case (Kind.Question, AgentAnswer.Reply reply):
                output.Lines.Add(AcpMessages.Elicited(request.RawId,
                    request.Fields.Where(f => reply.Answers.ContainsKey(f.Text)).Select(f => f.Answer(reply.Answers[f.Text]))));
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

        _pending.Remove(requestId);
        return output;
    }

    /// <summary>
    /// What a prompt begins with when refusals of the turn before were told to the model as the person's; null: none were.
    /// </summary>
    public string? TakeUntold()
    {
        if (_untold.Count == 0)
        {
            return null;
        }

        var text = new System.Text.StringBuilder(
            "(The machine says: these calls of the last turn were refused, for these reasons and no others:");
        while (_untold.TryDequeue(out var line))
        {
            text.Append("\n- ").Append(line);
        }

        // As the machine's own notes: what the agent called its calls must not look like the end of this one.
        return $"<system-reminder>\n{text.Append(')').Replace("<", "&lt;")}\n</system-reminder>";
    }

    /// <summary>Why an allowance is not passed on.</summary>
    private static string WhyNot(Pending request, AgentAnswer.Allow allow) => allow.InputJson != request.InputJson
        ? "Refused: what was approved is not what was asked."
        : request.Change?.IsStillTrue() == false
            ? "Refused: the file changed after it was shown. Read it again."
            : "Refused: the path leads elsewhere now than when it was approved.";

    /// <summary>The answer that refuses, and the call's end: what the agent says of it later is its own wording.</summary>
    private void Refuse(string rawId, string callId, string? title, string? reject, string why, RpcOutput output)
    {
        switch (agent.Refusals)
        {
            case AcpRefusals.ByError:
                output.Lines.Add(RpcMessages.Error(rawId, RpcMessages.InvalidParams, why));
                break;
            case AcpRefusals.ByWords:
                output.Lines.Add(RpcMessages.ErrorWords(rawId, why));
                break;
            default:
                output.Lines.Add(reject is null ? AcpMessages.Cancelled(rawId) : AcpMessages.Selected(rawId, reject));
                var named = BoundedText.OneLine(title ?? callId);
                _untold.Enqueue($"{(named.Length > LongestTitle ? named[..LongestTitle] : named)}: {why}");
                if (_untold.Count > MaxUntold)
                {
                    _untold.Dequeue();
                }

                break;
        }

        output.Events.Add(new AgentToolResult(callId, IsError: true, why));
    }

    /// <summary>A tool call is over: what was allowed for it is done, and no leave to do it once more.</summary>
    public void CallEnded(string id)
    {
        foreach (var (path, _) in _allowed.Where(a => a.Value.Call == id).ToList())
        {
            _allowed.Remove(path);
        }
    }

    /// <summary>Nobody needs to answer any more. The agent is told so where it waits.</summary>
    public void CloseAll(RpcOutput output)
    {
        foreach (var (id, request) in _pending)
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

        _pending.Clear();
        _allowed.Clear();
        _isOver = true; // all callers end the turn or stop it
    }

    private string? Command(AcpCall call)
        => call.Command ?? (agent.TitlesAreCommands && call.InputJson is null
            && call.Output.StartsWith($"[current working directory {_workingDirectory}]", StringComparison.Ordinal) ? call.Title : null);

    private static string? Option(JsonElement parameters, string kind)
        => parameters.Items("options").FirstOrDefault(o => o.Text("kind") == kind).Text("optionId");

    private static byte[] Content(string rawId, string real, int from, int count)
    {
        if (TextFile.ReadPlain(real) is not { } file)
        {
            return RpcMessages.Error(rawId, RpcMessages.InvalidParams, $"It is no text file of at most {TextFile.MaxBytes} bytes.");
        }

        return file.Text is null
            ? RpcMessages.Error(rawId, AcpMessages.NotFound, "There is no such file.")
            : RpcMessages.Result(rawId, w => w.WriteString("content", from == 1
                && count == int.MaxValue ? file.Text : string.Join('\n', file.Text.Split('\n').Skip(from - 1).Take(count))));
    }

    private void Ask(string rawId, string name, ToolKind kind, AgentSubject subject, JsonElement parameters, string path, RpcOutput output,
        Func<CancellationToken, Task> act)
    {
        var id = $"{_turn}/{rawId}";
        var tool = $"{name}-{_turn}-{++_files}";
        var json = parameters.GetRawText();
        _pending[id] = new Pending(Kind.Act, rawId) { InputJson = json, Act = InTurn(act) };
        output.Events.Add(new AgentToolUse(tool, name, kind, path, json) { Path = path, Change = (subject as AgentSubject.Edit)?.Change });
        output.Events.Add(new AgentApprovalAsked(id, tool, name, subject, json) { Reads = kind == ToolKind.Read ? path : null });
    }

    /// <summary>The act, unless the turn was stopped between the answer and now: then nothing begins.</summary>
    private Func<CancellationToken, Task> InTurn(Func<CancellationToken, Task> act)
    {
        var asked = _turn;
        return async ct =>
        {
            ct.ThrowIfCancellationRequested();
            if (!_isOver && _turn == asked)
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

        /// <summary>For a reading: whether its path leads where it led.</summary>
        public Func<bool>? StillLeads { get; init; }

        public string? CallId { get; init; }

        public string? Title { get; init; }

        public IReadOnlyList<Field> Fields { get; init; } = [];

        public Func<CancellationToken, Task>? Act { get; init; }

        public Func<AgentAnswer, byte[]>? Reply { get; init; }
    }
}
