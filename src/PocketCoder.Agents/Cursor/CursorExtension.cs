using System.Text.Json;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Cursor;

/// <summary>
/// What Cursor asks and tells by ACP beyond the protocol: questions, plans, its list of what is to do (cursor.com/docs/cli/acp).
/// </summary>
internal sealed class CursorExtension : IAcpExtension
{
    private const int MostTodos = 200;

    private readonly List<(string Id, AgentTodo Item)> _todos = [];

    public AcpExtra? Read(string method, JsonElement parameters) => method switch
    {
        "cursor/ask_question" => Question(parameters),
        "cursor/create_plan" when parameters.Text("plan") is { } plan => Plan(parameters, plan),
        "cursor/update_todos" => Todos(parameters),
        "cursor/task" => new AcpExtra.News(null, Outcome("completed")),
        "cursor/generate_image" => new AcpExtra.News(null, Outcome("rejected", "Pictures can't be made here.")),
        _ => null,
    };

    private static AcpExtra.Wait? Question(JsonElement parameters)
    {
        var asked = parameters.Items("questions")
            .Select(q => new Asked(
                q.Text("id") ?? "",
                new AgentQuestion(q.Text("prompt") ?? "", parameters.Text("title"), [.. q.Items("options")
                    .Select(o => new AgentOption(o.Text("label") ?? o.Text("id") ?? "", null))], q.IsTrue("allowMultiple")),
                [.. q.Items("options").Select(o => o.Text("id") ?? "")]))
            .ToList();
        return asked.Count == 0 || asked.Exists(a => a.Id.Length == 0 || a.Question.Text.Length == 0) ? null : new AcpExtra.Wait(
            id => new AgentQuestionAsked(id, parameters.Text("toolCallId") ?? id, [.. asked.Select(a => a.Question)]),
            answer => answer is AgentAnswer.Reply reply ? Answered(asked, reply)
                : Outcome("skipped", (answer as AgentAnswer.Deny)?.Message));
    }

    private static Action<Utf8JsonWriter> Answered(IReadOnlyList<Asked> asked, AgentAnswer.Reply reply) => w =>
    {
        w.WriteStartObject("outcome");
        w.WriteString("outcome", "answered");
        w.WriteStartArray("answers");
        foreach (var question in asked.Where(a => reply.Answers.ContainsKey(a.Question.Text)))
        {
            w.WriteStartObject();
            w.WriteString("questionId", question.Id);
            w.WriteStartArray("selectedOptionIds");
            foreach (var chosen in question.Chosen(reply.Answers[question.Question.Text]))
            {
                w.WriteStringValue(chosen);
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteEndObject();
    };

    private static AcpExtra.Wait Plan(JsonElement parameters, string plan)
    {
        var items = parameters.Items("todos").Where(t => t.Text("content") is not null).Select(t => $"- {t.Text("content")}").ToList();
        var parts = new[] { parameters.Text("name") is { } name ? $"# {name}" : null, parameters.Text("overview"), plan,
            items.Count == 0 ? null : string.Join('\n', items) };
        var text = string.Join("\n\n", parts.Where(p => !string.IsNullOrWhiteSpace(p)));
        return new AcpExtra.Wait(
            id => new AgentPlanProposed(id, parameters.Text("toolCallId") ?? id, text),
            answer => answer switch
            {
                AgentAnswer.AcceptPlan => Outcome("accepted"),
                AgentAnswer.Deny { Interrupt: false } deny => Outcome("rejected", deny.Message),
                _ => Outcome("cancelled"),
            });
    }

    private AcpExtra.News Todos(JsonElement parameters)
    {
        if (!parameters.IsTrue("merge"))
        {
            _todos.Clear();
        }

        foreach (var item in parameters.Items("todos").Where(t => t.Text("content") is not null))
        {
            var id = item.Text("id") ?? item.Text("content")!;
            var fresh = (id, new AgentTodo(item.Text("content")!, item.Text("status") switch
            {
                "completed" => TodoState.Done,
                "in_progress" => TodoState.Active,
                _ => TodoState.Pending,
            }));
            var at = _todos.FindIndex(t => t.Id == id);
            if (item.Text("status") == "cancelled")
            {
                _todos.RemoveAll(t => t.Id == id);
            }
            else if (at >= 0)
            {
                _todos[at] = fresh;
            }
            else if (_todos.Count < MostTodos)
            {
                _todos.Add(fresh);
            }
        }

        return new AcpExtra.News(new AgentTodos([.. _todos.Select(t => t.Item)]), Outcome("accepted"));
    }

    private static Action<Utf8JsonWriter> Outcome(string outcome, string? reason = null) => w =>
    {
        w.WriteStartObject("outcome");
        w.WriteString("outcome", outcome);
        if (reason is not null)
        {
            w.WriteString("reason", reason);
        }

        w.WriteEndObject();
    };

    private sealed record Asked(string Id, AgentQuestion Question, IReadOnlyList<string> OptionIds)
    {
        /// <summary>
        /// The ids of the labels chosen; of several, whole labels are looked for, since a label may hold a comma. Words of the person's own
        /// go as they are.
        /// </summary>
        public IReadOnlyList<string> Chosen(string answer)
        {
            var labels = Question.Options.Select(o => o.Label).ToList();
            if (labels.IndexOf(answer) is >= 0 and var only)
            {
                return [OptionIds[only]];
            }

            var parts = answer.Split(", ");
            return Question.MultiSelect && parts.All(p => labels.Contains(p, StringComparer.Ordinal))
                ? [.. parts.Select(p => OptionIds[labels.IndexOf(p)])] : [answer];
        }
    }
}
