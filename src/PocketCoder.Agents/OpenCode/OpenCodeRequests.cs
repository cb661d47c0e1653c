using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Acting;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// What OpenCode waits for: permissions, questions, calls of our tools. "Always" is never answered: it would hold for what nobody has seen.
/// Not thread-safe, except for the end of an act.
/// </summary>
/// <param name="answerCall">Answers a call of one of our tools; false: nobody waits for it any more.</param>
internal sealed class OpenCodeRequests(string workingDirectory, ReadRules reads, bool gated, Func<string, AgentAnswer, bool> answerCall)
{
    private const string NoWords = "The person said no.";

    private readonly Dictionary<string, Pending> _pending = new(StringComparer.Ordinal);

    private enum Kind
    {
        Permission,
        Question,
        HostCall,
        Command,
    }

    /// <summary>Decides what OpenCode asks, or shows it to a person. The input of the call is known.</summary>
    public void Permission(string id, string permission, JsonElement metadata, OpenCodeToolUse use, bool planning, OpenCodeOutput output)
    {
        using var document = LineJson.TryParse(System.Text.Encoding.UTF8.GetBytes(use.InputJson!));
        var input = document?.RootElement ?? default;
        var refusal = "";
        switch (permission, use.Tool)
        {
            case ("read" or "glob" or "grep" or "list" or "external_directory", "read" or "glob" or "grep" or "list"):
                Reading(id, use, OpenCodeTool.Path(use.Tool, input) is { Length: > 0 } path ? path : ".", output);
                break;
            case ("edit", "edit" or "write") when planning:
                output.Calls.Add(Reply(id, "reject", "Plan mode: nothing is to be changed now. Say what you would change."));
                break;
            case ("edit", "edit" or "write") when OpenCodeEdit.Predict(use.Tool, input, reads, out refusal) is { } edit:
                Ask(id, use, new AgentSubject.Edit(edit.Change), edit.IsStillTrue, null, output);
                break;
            case ("edit", "apply_patch") when planning:
                output.Calls.Add(Reply(id, "reject", "Plan mode: nothing is to be changed now. Say what you would change."));
                break;
            case ("edit", "apply_patch") when OpenCodePatch.Find(metadata, reads, out refusal) is { } patch:
                Ask(id, use, new AgentSubject.Tool(use.Tool), patch.IsStillTrue,
                    BoundedText.OneLine(string.Join(", ", patch.Files.Select(f => f.Real))), output);
                break;
            case ("external_directory", "edit" or "write" or "apply_patch"):
                output.Calls.Add(Reply(id, "reject", "That is outside the project."));
                break;
            case ("webfetch", "webfetch") when !gated:
                Ask(id, use, new AgentSubject.Tool(use.Tool), () => true, null, output);
                break;
            case ("doom_loop", _):
                Ask(id, use, new AgentSubject.Tool(OpenCodeTool.Name(use.Tool)), () => true,
                    "It makes the same call again and again. Allow it to go on?", output, approves: false);
                break;
            default:
                output.Calls.Add(Reply(id, "reject", refusal.Length > 0 ? refusal : "That is switched off here."));
                break;
        }
    }

    public void Reject(string id, string why, OpenCodeOutput output) => output.Calls.Add(Reply(id, "reject", why));

    public void Question(string id, JsonElement request, OpenCodeOutput output)
    {
        List<AgentQuestion> questions =
        [
            .. request.Items("questions").Where(q => q.Text("question") is { Length: > 0 }).Select(q => new AgentQuestion(
                q.Text("question")!, q.Text("header"),
                [.. q.Items("options").Where(o => o.Text("label") is not null)
                    .Select(o => new AgentOption(o.Text("label")!, o.Text("description")))], q.IsTrue("multiple"))),
        ];
        if (questions.Count == 0 || questions.Count != request.Items("questions").Count())
        {
            output.Calls.Add(OpenCodeCall.Post($"/question/{Uri.EscapeDataString(id)}/reject"));
            return;
        }

        _pending[id] = new Pending(Kind.Question) { Questions = questions };
        output.Events.Add(new AgentQuestionAsked(id, request.Object("tool")?.Text("callID") ?? id, questions));
    }

    /// <summary>A call of one of our tools, known to the person as the call of <paramref name="use"/>.</summary>
    public void Called(McpCall call, OpenCodeToolUse use, OpenCodeOutput output)
    {
        use.HostCall = call.RequestId;
        if (gated)
        {
            _pending[call.RequestId] = new Pending(Kind.HostCall) { Use = use };
            output.Events.Add(new AgentHostCall(call.RequestId, use.CallId, call.ToolName, call.InputJson));
            return;
        }

        if (OpenCodeShell.Read(call.InputJson, workingDirectory, out var refusal) is not { } command)
        {
            answerCall(call.RequestId, new AgentAnswer.HostResult(refusal, IsError: true));
            return;
        }

        _pending[call.RequestId] = new Pending(Kind.Command) { Use = use, InputJson = call.InputJson, Command = command.Command };
        output.Events.Add(new AgentApprovalAsked(call.RequestId, use.CallId, call.ToolName,
            new AgentSubject.Command(command.Command.CommandLine, workingDirectory), call.InputJson)
        { Reason = command.Reason });
    }

    /// <summary>What follows from an answer, or null when nobody waits for it any more.</summary>
    /// <param name="run">Runs a command of ours and answers its call.</param>
    /// <exception cref="ArgumentException">This kind of answer does not fit what was asked.</exception>
    public OpenCodeOutput? Answer(
        string requestId, AgentAnswer answer, Func<string, ShellCommand, OpenCodeToolUse, CancellationToken, Task> run)
    {
        if (!_pending.TryGetValue(requestId, out var request))
        {
            return null;
        }

        var output = new OpenCodeOutput();
        switch (request.Kind, answer)
        {
            case (Kind.Permission, AgentAnswer.Allow allow) when allow.InputJson != request.InputJson:
                Reject(requestId, "Refused: what was approved is not what was asked.", output);
                break;
            case (Kind.Permission, AgentAnswer.Allow) when !request.IsStillTrue!():
                Reject(requestId, "Refused: the file changed after it was shown. Read it again.", output);
                break;
            case (Kind.Permission, AgentAnswer.Allow):
                request.Use!.IsApproved |= request.Approves;
                request.Use.Approved = request.Reading ?? request.Use.Approved;
                output.Calls.Add(Reply(requestId, "once", null));
                break;
            case (Kind.Permission, AgentAnswer.Deny deny):
                // without words it ends the turn
                output.Calls.Add(Reply(requestId, "reject",
                    deny.Interrupt ? null : string.IsNullOrWhiteSpace(deny.Message) ? NoWords : deny.Message));
                break;
            case (Kind.Question, AgentAnswer.Reply reply):
                output.Calls.Add(Answers(
                    requestId, request.Questions.Select(q => Chosen(q, reply.Answers.GetValueOrDefault(q.Text) ?? ""))));
                break;
            case (Kind.Question, AgentAnswer.Deny deny):
                output.Calls.Add(Answers(
                    requestId, request.Questions.Select(_ => (string[])[$"The person did not choose: {deny.Message}"])));
                break;
            case (Kind.HostCall, AgentAnswer.HostResult or AgentAnswer.Deny) or (Kind.Command, AgentAnswer.Deny):
                if (answer is AgentAnswer.Deny && request.Use is { } refused)
                {
                    refused.IsRefused = true;
                }

                if (!answerCall(requestId, answer))
                {
                    _pending.Remove(requestId);
                    return null;
                }

                break;
            case (Kind.Command, AgentAnswer.Allow allow) when allow.InputJson != request.InputJson:
                answerCall(requestId, new AgentAnswer.HostResult("Refused: what was approved is not what was asked.", IsError: true));
                break;
            case (Kind.Command, AgentAnswer.Allow):
                output.Acts.Add(ct => run(requestId, request.Command!, request.Use!, ct));
                break;
            default:
                throw new ArgumentException($"{request.Kind} {requestId} can't be answered with {answer.GetType().Name}.", nameof(answer));
        }

        _pending.Remove(requestId);
        return output;
    }

    /// <summary>OpenCode no longer waits for it. False: nobody was asked, or it was answered.</summary>
    public bool Withdraw(string id) => _pending.Remove(id);

    /// <summary>Nobody needs to answer any more: gives the ids that were open.</summary>
    public IReadOnlyList<string> CloseAll()
    {
        List<string> open = [.. _pending.Keys];
        _pending.Clear();
        return open;
    }

    private void Ask(
        string id, OpenCodeToolUse use, AgentSubject subject, Func<bool> isStillTrue, string? reason, OpenCodeOutput output,
        bool approves = true, ReadVerdict? reading = null, bool tree = false)
    {
        _pending[id] = new Pending(Kind.Permission)
        { Use = use, InputJson = use.InputJson, IsStillTrue = isStillTrue, Approves = approves, Reading = reading };
        output.Events.Add(new AgentApprovalAsked(id, use.CallId, use.Tool, subject, use.InputJson!)
        { Reason = reason, Reads = reading is { Real.Length: > 0 } there ? there.Real : null, ReadsTree = tree });
    }

    /// <summary>
    /// Reading and searching inside the project is free, links resolved: OpenCode itself looks at the words of a path only.
    /// </summary>
    private void Reading(string id, OpenCodeToolUse use, string path, OpenCodeOutput output)
    {
        var tree = use.Tool is "glob" or "grep";
        var there = reads.Judge(path, tree);
        switch (there.Place)
        {
            case ReadPlace.Free when use.Tool == "read"
                && reads.NotesThatLeadOut(there.Real, "AGENTS.md", "CLAUDE.md", "CONTEXT.md") is { } notes:
                // OpenCode takes them along with the files beneath them, unasked (seen with 1.18.33).
                output.Calls.Add(Reply(id, "reject",
                    $"{notes} leads out of the project, and OpenCode would read it with this file. Remove that link, or read the file by a command."));
                break;
            case ReadPlace.Free:
                output.Calls.Add(Reply(id, "once", null));
                break;
            case ReadPlace.Closed:
                output.Calls.Add(Reply(id, "reject", ReadRules.ClosedWords));
                break;
            case ReadPlace.Outside or ReadPlace.Nowhere when !gated && use.Approved == there:
                output.Calls.Add(Reply(id, "once", null)); // it asks more than once for one reading
                break;
            case ReadPlace.Outside or ReadPlace.Nowhere when !gated:
                Ask(id, use, new AgentSubject.Tool(use.Tool), () => reads.StillLeadsTo(path, there, tree), null, output, reading: there,
                    tree: tree);
                break;
            default:
                output.Calls.Add(Reply(id, "reject",
                    "That leads out of the project, and in a sandboxed session nothing else is read. Commands of pocketcoder_bash see what the sandbox holds."));
                break;
        }
    }

    private static OpenCodeCall Reply(string id, string reply, string? message)
        => OpenCodeCall.Post($"/permission/{Uri.EscapeDataString(id)}/reply", w =>
    {
        w.WriteString("reply", reply);
        if (message is not null)
        {
            w.WriteString("message", message);
        }
    });

    private static OpenCodeCall Answers(string id, IEnumerable<string[]> answers)
        => OpenCodeCall.Post($"/question/{Uri.EscapeDataString(id)}/reply", w =>
    {
        w.WriteStartArray("answers");
        foreach (var answer in answers)
        {
            w.WriteStartArray();
            foreach (var label in answer)
            {
                w.WriteStringValue(label);
            }

            w.WriteEndArray();
        }

        w.WriteEndArray();
    });

    /// <summary>Several labels where all parts are labels; else what was said, as it is.</summary>
    private static string[] Chosen(AgentQuestion question, string answer)
    {
        var labels = question.Options.Select(o => o.Label).ToHashSet(StringComparer.Ordinal);
        return question.MultiSelect && !labels.Contains(answer) && answer.Split(", ") is var parts
            && parts.All(labels.Contains) ? parts : [answer];
    }

    private sealed record Pending(Kind Kind)
    {
        public OpenCodeToolUse? Use { get; init; }

        public string? InputJson { get; init; }

        public Func<bool>? IsStillTrue { get; init; }

        public bool Approves { get; init; }

        public ReadVerdict? Reading { get; init; }

        public IReadOnlyList<AgentQuestion> Questions { get; init; } = [];

        public ShellCommand? Command { get; init; }
    }
}
