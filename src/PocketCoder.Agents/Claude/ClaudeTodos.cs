using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// The todo list, put together from the calls that change it. The program shows either <c>TodoWrite</c> or the <c>Task*</c> tools.
/// </summary>
internal sealed class ClaudeTodos
{
    private readonly SortedDictionary<int, AgentTodo> _tasks = [];

    /// <summary>The new list after a call that succeeded, or null when it did not change it.</summary>
    public AgentTodos? After(string tool, JsonElement input, JsonElement? result)
    {
        switch (tool)
        {
            case "TodoWrite":
                return new AgentTodos(
                    [.. input.Items("todos").Select(t => new AgentTodo(t.Text("content") ?? "", State(t.Text("status"))))]);
            case "TaskCreate":
                if (!TryId(result?.Object("task")?.Text("id"), out var created))
                {
                    return null;
                }

                _tasks[created] = new AgentTodo(input.Text("subject") ?? $"#{created}", TodoState.Pending);
                return Whole();
            case "TaskUpdate":
                if (!TryId(input.Text("taskId"), out var id))
                {
                    return null;
                }

                var old = _tasks.GetValueOrDefault(id) ?? new AgentTodo($"#{id}", TodoState.Pending); // made before a resume
                var status = input.Text("status");
                if (status == "deleted")
                {
                    _tasks.Remove(id);
                }
                else
                {
                    _tasks[id] = new AgentTodo(input.Text("subject") ?? old.Text, status is null ? old.State : State(status));
                }

                return Whole();
            case "TaskList" when result?.Member("tasks") is { ValueKind: JsonValueKind.Array }:
                _tasks.Clear();
                foreach (var task in result.Value.Items("tasks"))
                {
                    if (TryId(task.Text("id"), out var listed))
                    {
                        _tasks[listed] = new AgentTodo(task.Text("subject") ?? $"#{listed}", State(task.Text("status")));
                    }
                }

                return Whole();
            default:
                return null;
        }
    }

    private static bool TryId(string? text, out int id) => int.TryParse(text, out id);

    private static TodoState State(string? status) => status switch
    {
        "completed" => TodoState.Done,
        "in_progress" => TodoState.Active,
        _ => TodoState.Pending,
    };

    private AgentTodos Whole() => new([.. _tasks.Values]);
}
