using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Stub;

/// <summary>Does the steps of one prompt, one after the other.</summary>
internal sealed class StubTurn(
    AgentPrompt prompt, AgentStart start, IReadOnlyDictionary<string, string> environment, TimeProvider time, StubProcess process)
{
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_commandLimit = TimeSpan.FromMinutes(10);
    private const int OutputLimit = 1024 * 1024;

    private readonly Lock _hearing = new(); // guards heard and over: the machine's call and the turn both use them
    private readonly Queue<string> _heard = [];
    private bool _over;
    private int _blocks;
    private int _tools;
    private long _spoken;

    /// <summary>It does nothing more but tell its end, or has.</summary>
    public bool IsOver
    {
        get
        {
            lock (_hearing)
            {
                return _over;
            }
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        AgentTurnEnded end;
        try
        {
            var error = await DoStepsAsync(cancellationToken);
            while (Heard(last: true) is { } words)
            {
                await SpeakAsync(words, cancellationToken);
            }

            end = new AgentTurnEnded(error is null ? TurnOutcome.Completed : TurnOutcome.Failed) { Error = error };
        }
        catch (OperationCanceledException)
        {
            end = new AgentTurnEnded(TurnOutcome.Cancelled);
        }
        catch (Exception e) // whatever went wrong, a turn must end
        {
            end = new AgentTurnEnded(TurnOutcome.Failed) { Error = $"The demo agent broke: {e.Message}" };
        }

        try
        {
            Close();
            await process.CountAsync(CountWords(prompt.Text) + _spoken);
            await process.SayAsync(end with
            { Mark = prompt.TurnId.ToString("N"), Usage = new AgentUsage(CountWords(prompt.Text), _spoken, 0, 0, 0m) });
        }
        catch (OperationCanceledException)
        {
            // the process is being closed: its end is the last word
        }
    }

    /// <summary>Takes words into the turn; false when it is over. From any thread.</summary>
    public bool TryHear(string text)
    {
        lock (_hearing)
        {
            if (_over)
            {
                return false;
            }

            _heard.Enqueue(text);
            return true;
        }
    }

    /// <summary>What was said meanwhile, as the stub speaks of it; null: nothing.</summary>
    /// <param name="last">Nothing is heard after that nothing.</param>
    private string? Heard(bool last = false)
    {
        lock (_hearing)
        {
            _over |= last && _heard.Count == 0;
            return _heard.TryDequeue(out var text) ? $"(You said: {text}) " : null;
        }
    }

    private void Close()
    {
        lock (_hearing)
        {
            _over = true;
        }
    }

    private static int CountWords(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;

    private async Task<string?> DoStepsAsync(CancellationToken cancellationToken)
    {
        if (prompt.Note is { } note)
        {
            await SpeakAsync($"(The machine says: {note})", cancellationToken);
        }

        foreach (var file in prompt.Attachments)
        {
            await SpeakAsync($"(With the prompt came {file.MediaType}: {file.Path})", cancellationToken);
        }

        foreach (var step in StubStep.Parse(prompt.Text))
        {
            cancellationToken.ThrowIfCancellationRequested();
            switch (step.Verb)
            {
                case StubVerb.Fail:
                    return step.Text;
                case StubVerb.Confirm:
                    if (!await ConfirmAsync(step.Text, cancellationToken))
                    {
                        return null;
                    }

                    break;
                default:
                    await DoAsync(step, cancellationToken);
                    break;
            }
        }

        return null;
    }

    private Task DoAsync(StubStep step, CancellationToken cancellationToken) => step.Verb switch
    {
        StubVerb.Run => RunCommandAsync(step.Text, cancellationToken),
        StubVerb.Write => WriteAsync(step.Text, cancellationToken),
        StubVerb.Ask => AskAsync(step.Parts, cancellationToken),
        StubVerb.Plan => PlanAsync(step.Text.Replace("\\n", "\n", StringComparison.Ordinal), cancellationToken),
        StubVerb.Long => LongAsync(step.Text, cancellationToken),
        StubVerb.Think => StreamAsync(BlockKind.Thinking, step.Text, cancellationToken),
        StubVerb.Todo => TodoAsync(step.Parts),
        StubVerb.Tool => CallToolAsync(step.Text, cancellationToken),
        StubVerb.Title => process.SayAsync(new AgentTitled(step.Text)).AsTask(),
        StubVerb.Help => SpeakAsync(
            $"I understand: {string.Join(", ", Enum.GetValues<StubVerb>().Except([StubVerb.Help, StubVerb.Settings]).Select(v => $"{v.ToString().ToLowerInvariant()}:"))}",
            cancellationToken),
        StubVerb.Settings => SpeakAsync(process.Settings, cancellationToken),
        StubVerb.Again => TimesAsync(step, AgainAsync),
        StubVerb.Silent => TimesAsync(step, _ => Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken)),
        StubVerb.Retry => TimesAsync(step, n => RetryAsync(n, cancellationToken)),
        StubVerb.Together => Task.WhenAll(step.Parts.Select(c => RunCommandAsync(c, cancellationToken))),
        _ => StreamAsync(BlockKind.Text, step.Text, cancellationToken),
    };

    private Task SpeakAsync(string text, CancellationToken cancellationToken) => StreamAsync(BlockKind.Text, text, cancellationToken);

    private Task StreamAsync(BlockKind kind, string text, CancellationToken cancellationToken)
        => StreamAsync(kind, SplitWords(text), TimeSpan.Zero, cancellationToken);

    private async Task StreamAsync(BlockKind kind, IEnumerable<string> pieces, TimeSpan pace, CancellationToken cancellationToken)
    {
        var block = string.Create(CultureInfo.InvariantCulture, $"{prompt.TurnId:N}:{_blocks++}");
        var whole = new StringBuilder();
        var cut = true;
        try
        {
            foreach (var piece in pieces)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (pace > TimeSpan.Zero)
                {
                    await Task.Delay(pace, time, cancellationToken);
                }

                foreach (var said in kind == BlockKind.Text && Heard() is { } words ? [words, piece] : new[] { piece })
                {
                    whole.Append(said);
                    _spoken++;
                    await process.SayAsync(new AgentDelta(block, kind, said));
                }
            }

            cut = false;
        }
        finally
        {
            // Also when interrupted: what was said was said.
            if (whole.Length > 0)
            {
                await process.SayAsync(new AgentBlock(block, kind, whole.ToString()) { Cut = cut });
            }
        }
    }

    private static IEnumerable<string> SplitWords(string text)
    {
        var start = 0;
        for (var i = 1; i < text.Length; i++)
        {
            if (!char.IsWhiteSpace(text[i]) && char.IsWhiteSpace(text[i - 1]))
            {
                yield return text[start..i];
                start = i;
            }
        }

        if (text.Length > 0)
        {
            yield return text[start..];
        }
    }

    private async Task LongAsync(string text, CancellationToken cancellationToken)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > StubStep.MaxDeltas)
        {
            await SpeakAsync($"long: needs a number from 1 to {StubStep.MaxDeltas}.", cancellationToken);
            return;
        }

        await StreamAsync(BlockKind.Text, Enumerable.Range(1, count).Select(n => $"{n} "), s_pace, cancellationToken);
    }

    private async Task TimesAsync(StubStep step, Func<int, Task> action)
    {
        if (!int.TryParse(step.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > StubStep.MaxTimes)
        {
            await SpeakAsync($"{step.Verb.ToString().ToLowerInvariant()}: needs a number from 1 to {StubStep.MaxTimes}.",
                CancellationToken.None);
            return;
        }

        for (var n = 1; n <= count; n++)
        {
            await action(n);
        }
    }

    private async Task AgainAsync(int _)
    {
        var tool = NextTool();
        await process.SayAsync(new AgentToolUse(tool, "look", ToolKind.Read, "the same thing", "{}"));
        await process.SayAsync(new AgentToolResult(tool, IsError: false, "as it was"));
    }

    private async Task RetryAsync(int attempt, CancellationToken cancellationToken)
    {
        var delay = TimeSpan.FromSeconds(1);
        await process.SayAsync(new AgentActivity(ActivityKind.Retrying) { Attempt = attempt, Delay = delay, Detail = "overloaded 529" });
        await Task.Delay(delay, time, cancellationToken);
    }

    private async Task TodoAsync(string[] items)
    {
        for (var done = 0; done <= items.Length; done++)
        {
            var at = done;
            await process.SayAsync(new AgentTodos([.. items.Select(
                (text, i) => new AgentTodo(text, i < at ? TodoState.Done : i == at ? TodoState.Active : TodoState.Pending))]));
        }
    }

    private async Task AskAsync(string[] parts, CancellationToken cancellationToken)
    {
        if (parts.Length == 0)
        {
            await SpeakAsync("ask: needs a question.", cancellationToken);
            return;
        }

        var tool = NextTool();
        await process.SayAsync(new AgentToolUse(tool, "ask", ToolKind.Question, parts[0], "{}"));
        await UseAsync(tool, async () =>
        {
            var question = new AgentQuestion(parts[0], null, [.. parts[1..].Select(o => new AgentOption(o, null))], MultiSelect: false);
            var answer = await process.AskAsync<AgentAnswer.Reply>(id => new AgentQuestionAsked(id, tool, [question]), cancellationToken);
            if (answer is AgentAnswer.Reply reply)
            {
                await process.SayAsync(new AgentToolResult(tool, IsError: false, reply.Answers.GetValueOrDefault(parts[0]) ?? ""));
                await SpeakAsync($"You answered: {reply.Answers.GetValueOrDefault(parts[0])}", cancellationToken);
            }
            else
            {
                await RefusedAsync(tool, (AgentAnswer.Deny)answer);
            }
        });
    }

    private async Task PlanAsync(string plan, CancellationToken cancellationToken)
    {
        var tool = NextTool();
        await process.SayAsync(new AgentToolUse(tool, "plan", ToolKind.Plan, plan.Split('\n')[0], "{}"));
        await UseAsync(tool, async () =>
        {
            var answer = await process.AskAsync<AgentAnswer.AcceptPlan>(id => new AgentPlanProposed(id, tool, plan), cancellationToken);
            if (answer is AgentAnswer.AcceptPlan)
            {
                await process.SayAsync(new AgentToolResult(tool, IsError: false, "accepted"));
                await SpeakAsync("The plan is accepted.", cancellationToken);
            }
            else
            {
                await RefusedAsync(tool, (AgentAnswer.Deny)answer);
            }
        });
    }

    private async Task<bool> ConfirmAsync(string text, CancellationToken cancellationToken)
    {
        var tool = NextTool();
        var input = JsonSerializer.Serialize(new StubConfirm(text), StubJson.Readable.StubConfirm);
        await process.SayAsync(new AgentToolUse(tool, "confirm", ToolKind.Other, text, input));
        var confirmed = false;
        await UseAsync(tool, async () =>
        {
            if (await ApproveAsync(tool, "confirm", new AgentSubject.Tool("confirm"), input, cancellationToken) is not null)
            {
                confirmed = true;
                await process.SayAsync(new AgentToolResult(tool, IsError: false, "confirmed"));
            }
        });
        return confirmed;
    }

    private async Task RunCommandAsync(string command, CancellationToken cancellationToken)
    {
        var tool = NextTool();
        var input = JsonSerializer.Serialize(new StubRun(command), StubJson.Readable.StubRun);
        await process.SayAsync(new AgentToolUse(tool, "run", ToolKind.Execute, command, input));
        if (start.HostTools.Any(t => t.Name == "bash"))
        {
            await UseAsync(tool, () => RunByHostAsync(tool, command, cancellationToken));
            return;
        }

        await UseAsync(tool, async () =>
        {
            var approved = await ApproveAsync(
                tool, "run", new AgentSubject.Command(command, start.WorkingDirectory), input, cancellationToken);
            if (approved is null)
            {
                return;
            }

            // What runs is read out of the approved text, not out of what we meant to ask.
            var run = JsonSerializer.Deserialize(approved, StubJson.Readable.StubRun)!;
            try
            {
                var result = await CommandRun.RunAsync(
                    new ProcessStart
                    {
                        Program = "/bin/sh",
                        Arguments = ["-c", run.Command],
                        WorkingDirectory = start.WorkingDirectory,
                        Environment = environment,
                        Within = start.Mark
                    },
                    s_commandLimit, OutputLimit, time, cancellationToken);
                var output = result.TimedOut ? $"{result.Output}\n[ended after {s_commandLimit.TotalMinutes:0} minutes]" : result.Output;
                await process.SayAsync(new AgentToolResult(tool, result.ExitCode != 0, output) { ExitCode = result.ExitCode });
            }
            catch (ProcessStartException e)
            {
                await process.SayAsync(new AgentToolResult(tool, IsError: true, e.Message));
            }
        });
    }

    /// <summary>The machine asks, runs and answers.</summary>
    private Task RunByHostAsync(string tool, string command, CancellationToken cancellationToken)
        => CallHostAsync(tool, "bash", JsonSerializer.Serialize(new StubRun(command), StubJson.Readable.StubRun), cancellationToken);

    private async Task CallToolAsync(string text, CancellationToken cancellationToken)
    {
        var blank = text.IndexOf(' ', StringComparison.Ordinal);
        var (name, input) = blank < 0 ? (text, "{}") : (text[..blank], text[(blank + 1)..].Trim());
        var tool = NextTool();
        await process.SayAsync(new AgentToolUse(tool, name, ToolKind.Other, name, input));
        await UseAsync(tool, () => CallHostAsync(tool, name, input, cancellationToken));
    }

    private async Task CallHostAsync(string tool, string name, string input, CancellationToken cancellationToken)
    {
        var answer = await process.AskAsync<AgentAnswer.HostResult>(id => new AgentHostCall(id, tool, name, input), cancellationToken);
        if (answer is AgentAnswer.HostResult result)
        {
            await process.SayAsync(new AgentToolResult(tool, result.IsError, result.Text));
        }
        else
        {
            await RefusedAsync(tool, (AgentAnswer.Deny)answer);
        }
    }

    private async Task WriteAsync(string text, CancellationToken cancellationToken)
    {
        var bar = text.IndexOf('|', StringComparison.Ordinal);
        if (bar < 1)
        {
            await SpeakAsync("write: needs a path, a bar and the text.", cancellationToken);
            return;
        }

        var tool = NextTool();
        var path = text[..bar].Trim();
        var content = Unescape(text[(bar + 1)..].TrimStart(' '));
        var target = WriteTarget.Find(start.WorkingDirectory, path, out var refusal, start.Project);
        var input = JsonSerializer.Serialize(new StubWrite(target?.Path ?? path, content), StubJson.Readable.StubWrite);
        var change = target is null ? null : new FileChange(target.Path, target.Before.Text, content);
        await process.SayAsync(new AgentToolUse(tool, "write", ToolKind.Edit, path, input) { Path = target?.Path, Change = change });
        await UseAsync(tool, async () =>
        {
            if (target is null || change is null)
            {
                await process.SayAsync(new AgentToolResult(tool, IsError: true, refusal));
                return;
            }

            var approved = await ApproveAsync(tool, "write", new AgentSubject.Edit(change), input, cancellationToken);
            if (approved is null)
            {
                return;
            }

            var write = JsonSerializer.Deserialize(approved, StubJson.Readable.StubWrite)!;
            var problem = write.FilePath == target.Path
                ? await target.WriteAsync(write.Content, start.HoldsSecrets, cancellationToken)
                : "The approved path is another one.";
            await process.SayAsync(new AgentToolResult(tool, problem is not null, problem ?? $"Wrote {write.FilePath}."));
        });
    }

    /// <summary>The approved input, its digest checked against what was asked; null when refused (the result is said then).</summary>
    private async Task<string?> ApproveAsync(
        string tool, string name, AgentSubject subject, string input, CancellationToken cancellationToken)
    {
        var asked = Digest(input);
        var answer = await process.AskAsync<AgentAnswer.Allow>(
            id => new AgentApprovalAsked(id, tool, name, subject, input), cancellationToken);
        if (answer is not AgentAnswer.Allow allow)
        {
            await RefusedAsync(tool, (AgentAnswer.Deny)answer);
            return null;
        }

        if (!CryptographicOperations.FixedTimeEquals(asked, Digest(allow.InputJson)))
        {
            await process.SayAsync(new AgentToolResult(tool, IsError: true, "Refused: what was approved is not what was asked."));
            return null;
        }

        return allow.InputJson;
    }

    private static byte[] Digest(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private async Task RefusedAsync(string tool, AgentAnswer.Deny deny)
    {
        await process.SayAsync(new AgentToolResult(tool, IsError: true, $"Denied: {deny.Message}"));
        if (deny.Interrupt)
        {
            throw new OperationCanceledException("The decision ends the turn.");
        }
    }

    /// <summary>A tool call that began has its result, also when it is cut off.</summary>
    private async Task UseAsync(string tool, Func<Task> use)
    {
        try
        {
            await use();
        }
        catch (OperationCanceledException e) when (e.CancellationToken.IsCancellationRequested)
        {
            await process.SayAsync(new AgentToolResult(tool, IsError: true, "Interrupted.") { Interrupted = true });
            throw;
        }
    }

    private string NextTool()
        => string.Create(CultureInfo.InvariantCulture, $"tool-{prompt.TurnId:N}-{Interlocked.Increment(ref _tools) - 1}");

    private static string Unescape(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] is 'n' or 't' or '\\')
            {
                result.Append(text[++i] switch { 'n' => '\n', 't' => '\t', _ => '\\' });
            }
            else
            {
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }
}
