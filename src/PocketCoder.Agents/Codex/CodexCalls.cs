using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Acting;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// What a call of one of our tools wants, read out of the model's input. Nothing has been done yet, except where <see cref="Done"/> says
/// so.
/// </summary>
/// <param name="Done">The answer, when none needs to be waited for: a refusal, a reading inside the project.</param>
internal sealed record CodexCall(string Tool, string InputJson, (string Text, bool Success)? Done = null)
{
    /// <summary>What a person is asked for; null with <see cref="Done"/>, and for the machine's own tools.</summary>
    public AgentSubject? Subject { get; init; }

    /// <summary>What happens once it is allowed.</summary>
    public Func<CancellationToken, Task<CodexDone>>? Act { get; init; }

    public IReadOnlyList<AgentTodo>? Todos { get; init; }

    public string? Path { get; init; }

    public string? Reason { get; init; }

    /// <summary>What a person is asked to let it read, absolute, links followed.</summary>
    public string? Reads { get; init; }

    public FileChange? Change => (Subject as AgentSubject.Edit)?.Change;
}

internal sealed record CodexDone(string Text, bool Success, int? ExitCode = null);

/// <summary>Reads calls of our tools. Looks at files; changes nothing by itself.</summary>
internal sealed class CodexCallReader(
    AgentStart start, CodexTools tools, IReadOnlyDictionary<string, string> commandEnvironment, TimeProvider time)
{
    /// <summary>Characters of a file that the model gets at once.</summary>
    private const int ReadLimit = 256 * 1024;

    private readonly ReadRules _reads = new(start);

    public CodexCall Read(string tool, JsonElement input)
    {
        var raw = input.GetRawText();
        if (input.ValueKind != JsonValueKind.Object)
        {
            return Refused("The input is no object.");
        }

        if (tools.IsHosts(tool))
        {
            return new CodexCall(tool, raw);
        }

        return tool switch
        {
            CodexTools.Bash => Command(raw, input),
            CodexTools.ReadFile when Only(input, "path", "offset", "limit") => Reading(raw, input),
            CodexTools.WriteFile when Only(input, "path", "content") && input.Text("content") is { } content =>
                Writing(tool, raw, input, (string? _, out string why) => Given(content, out why)),
            CodexTools.EditFile when Only(input, "path", "old_string", "new_string", "replace_all") && input.Text("old_string") is { } old
                && input.Text("new_string") is { } replacement
                => Writing(tool, raw, input,
                    (string? before, out string why) => TextEdit.Apply(before, old, replacement, input.IsTrue("replace_all"), out why)),
            CodexTools.Todo => new CodexCall(tool, raw, ("Shown.", true)) { Todos = [.. input.Items("items").Select(Todo)] },
            _ => Refused("The input is not what this tool takes."),
        };

        CodexCall Refused(string why) => new(tool, raw, (why, false));
    }

    private static string? Given(string content, out string why)
    {
        why = "";
        return content;
    }

    private static bool Only(JsonElement input, params ReadOnlySpan<string> names)
    {
        foreach (var member in input.EnumerateObject())
        {
            if (!names.Contains(member.Name))
            {
                return false;
            }
        }

        return true;
    }

    private static AgentTodo Todo(JsonElement item) => new(item.Text("text") ?? "", item.Text("status") switch
    {
        "completed" => TodoState.Done,
        "in_progress" => TodoState.Active,
        _ => TodoState.Pending,
    });

    private CodexCall Command(string raw, JsonElement input)
    {
        if (!Only(input, "command", "description", "timeout") || input.Text("command") is not { Length: > 0 } line
            || line.Contains('\0', StringComparison.Ordinal))
        {
            return new CodexCall(CodexTools.Bash, raw, ("Give command, and description and timeout if you like.", false));
        }

        var limit = input.Amount("timeout") is >= 1 and { } milliseconds
            ? TimeSpan.FromMilliseconds((double)Math.Min(milliseconds, (decimal)ShellCommand.MaxLimit.TotalMilliseconds))
            : ShellCommand.DefaultLimit;
        var command = new ShellCommand(line, start.WorkingDirectory, limit);
        return new CodexCall(CodexTools.Bash, raw)
        {
            Subject = new AgentSubject.Command(line, start.WorkingDirectory),
            Reason = input.Text("description"),
            Act = async cancellationToken =>
            {
                var result = await command.RunAsync(commandEnvironment, start.Mark, time, cancellationToken);
                return new CodexDone(command.Words(result), result.ExitCode is not null, result.ExitCode);
            },
        };
    }

    /// <summary>
    /// This process reads, whatever the session's sandbox is: so in a sandboxed one nothing is read but the project and what was sent.
    /// </summary>
    private CodexCall Reading(string raw, JsonElement input)
    {
        if (input.Text("path") is not { } path || _reads.Judge(path) is not { Place: not ReadPlace.Nowhere } there)
        {
            return new CodexCall(CodexTools.ReadFile, raw, ("There is no such path.", false));
        }

        var from = (int)Math.Clamp(input.Number("offset"), 1, int.MaxValue);
        var count = input.Member("limit") is null ? int.MaxValue : (int)Math.Clamp(input.Number("limit"), 1, int.MaxValue);
        return there.Place switch
        {
            ReadPlace.Free => new CodexCall(CodexTools.ReadFile, raw, Content(there.Real, from, count)) { Path = there.Real },
            ReadPlace.Closed => new CodexCall(CodexTools.ReadFile, raw, (ReadRules.ClosedWords, false)) { Path = there.Real },
            _ when start.HostTools.Count > 0 => new CodexCall(
                CodexTools.ReadFile, raw,
                ("That leads out of the project, and in a sandboxed session read_file reads nothing else. Use bash: it sees what the sandbox holds.",
                    false))
            { Path = there.Real },
            _ => new CodexCall(CodexTools.ReadFile, raw)
            {
                Path = there.Real,
                Reads = there.Real,
                Subject = new AgentSubject.Tool(CodexTools.ReadFile),
                Act = _ =>
                {
                    // Links may have been turned while the person thought.
                    var (text, success) = _reads.StillLeadsTo(path, there) ? Content(there.Real, from, count)
                        : ("The path leads elsewhere now than when it was approved.", false);
                    return Task.FromResult(new CodexDone(text, success));
                },
            },
        };
    }

    private static (string Text, bool Success) Content(string real, int from, int count)
    {
        if (TextFile.ReadPlain(real) is not { } file)
        {
            return ($"It is no text file of at most {TextFile.MaxBytes} bytes.", false);
        }

        if (file.Text is null)
        {
            return ("There is no such file.", false);
        }

        var text = from == 1 && count == int.MaxValue ? file.Text : string.Join('\n', file.Text.Split('\n').Skip(from - 1).Take(count));
        return (BoundedText.HeadAndTail(text, ReadLimit), true);
    }

    private CodexCall Writing(string tool, string raw, JsonElement input, Change change)
    {
        if (input.Text("path") is not { Length: > 0 } path)
        {
            return new CodexCall(tool, raw, ("Give a path.", false));
        }

        if (WriteTarget.Find(start.WorkingDirectory, path, out var refusal, start.Project) is not { } target
            || change(target.Before.Text, out refusal) is not { } after)
        {
            return new CodexCall(tool, raw, (refusal, false));
        }

        return new CodexCall(tool, raw)
        {
            Path = target.Path,
            Subject = new AgentSubject.Edit(new FileChange(target.Path, target.Before.Text, after)),
            Act = async cancellationToken => await target.WriteAsync(after, start.HoldsSecrets, cancellationToken) is { } why
                ? new CodexDone($"Refused: {why} Read it again.", false)
                : new CodexDone("The file is written as shown.", true),
        };
    }

    private delegate string? Change(string? before, out string refusal);
}
