using System.Globalization;
using PocketCoder.Cli.Output;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Running;

/// <summary>
/// Writes a session's transcript to a terminal or a pipe as it happens: text as it is written, one line for each call of a tool, what
/// commands write dimmed. Everything in it is untrusted and shown by <see cref="Untrusted"/>. One caller at a time.
/// </summary>
/// <remarks>
/// Pieces of text come faster than events, which are on disk first: the end of a command may arrive in the middle of the next sentence.
/// Such events are shown after it.
/// </remarks>
internal sealed class Transcript(TextWriter output, bool color)
{
    /// <summary>Lines of a result that are shown when nothing of it was shown live.</summary>
    private const int ShownLines = 20;

    /// <summary>Events that wait for the end of a text; with one more the text is broken off.</summary>
    private const int MostWaiting = 64;

    private readonly Dictionary<string, int> _shown = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _tools = new(StringComparer.Ordinal);
    private readonly HashSet<string> _refused = new(StringComparer.Ordinal);
    private readonly Dictionary<string, char> _halves = new(StringComparer.Ordinal);
    private readonly Queue<AgentEventPayload> _waiting = new();
    private string? _open;
    private bool _openIsOutput;
    private bool _atStart = true;

    /// <summary>
    /// What is being written just now. A block that begins while another one is open comes as a whole when it is finished.
    /// </summary>
    public void Add(AgentDeltaPayload delta)
    {
        if (delta.Kind == DeltaKind.Thinking)
        {
            return;
        }

        if (delta.Dropped)
        {
            // Of a command: its result follows. Of text: it broke off and comes anew.
            if (_open == delta.BlockId)
            {
                Pause();
            }

            if (!_tools.ContainsKey(delta.BlockId))
            {
                _shown.Remove(delta.BlockId);
            }

            return;
        }

        var shown = _shown.GetValueOrDefault(delta.BlockId);
        if ((_open is not null && _open != delta.BlockId) || delta.Offset > shown || delta.Offset + delta.Text.Length <= shown)
        {
            return;
        }

        Continue(delta.BlockId, delta.Text[(shown - delta.Offset)..], delta.Kind == DeltaKind.Output);
    }

    public void Add(AgentEventPayload happened)
    {
        if (_open is null || _openIsOutput)
        {
            Write(happened);
        }
        else if (happened is TextEvent text && text.BlockId == _open)
        {
            Write(text);
            Pause();
        }
        else
        {
            _waiting.Enqueue(happened);
            if (_waiting.Count > MostWaiting)
            {
                Pause();
            }
        }
    }

    /// <summary>Ends the line that is open, and shows what waited for its end.</summary>
    public void Pause()
    {
        CloseBlock();
        while (_waiting.TryDequeue(out var happened))
        {
            Write(happened);
        }
    }

    /// <summary>Text of several lines, each escaped on its own: nothing but its line feeds does anything.</summary>
    public static IEnumerable<string> Lines(string text) => text.Split('\n').Select(Untrusted.Show);

    private void Write(AgentEventPayload happened)
    {
        if (happened is ApprovalEvent { Approval: { ToolUseId: { } decided, State: var state } })
        {
            // What an agent calls the end of a refused call counts for nothing.
            _ = state is ApprovalState.Denied or ApprovalState.Expired or ApprovalState.Withdrawn ? _refused.Add(decided)
                : _refused.Remove(decided);
        }

        switch (happened)
        {
            case TextEvent text:
                Finish(text);
                break;
            case ToolUseEvent tool:
                CloseBlock();
                _tools[tool.ToolUseId] = tool.Tool;
                Line($"> {tool.Tool}: {tool.Title}");
                break;
            case ToolResultEvent result:
                CloseBlock();
                Show(result);
                break;
            case FileCreateEvent file:
                Line($"  created {file.Path}");
                break;
            case FileEditEvent file:
                Line($"  changed {file.Path}{(file.Diff is { } d ? string.Create(CultureInfo.InvariantCulture, $" (+{d.Added} -{d.Removed})") : "")}");
                break;
            case ApprovalEvent
            {
                Approval:
                {
                    State: not ApprovalState.Pending,
                    Decision: { } decision
                } approval
            } when approval.State is not (ApprovalState.Running or ApprovalState.Finished)
                || approval.Execution is null:
                Line($"  {Outcome(approval, decision)}");
                break;
            case TodoEvent todo:
                Line($"  to do: {string.Join(", ", todo.Items.Select(i => $"{(i.State == TodoItemState.Done ? "[x]" : i.State == TodoItemState.Active ? "[>]" : "[ ]")} {i.Text}"))}");
                break;
            case SteerEvent { State: SteerState.Heard } steer:
                Line($"  sent while working: {steer.Content}");
                break;
            case NoticeEvent notice:
                Line($"! {notice.Text}");
                break;
            case UndoEvent undo:
                Line($"! {undo.Undo.By} undid {undo.Undo.Files} files");
                break;
            case SentFileEvent file:
                Line($"! sent a file: {file.Name} ({file.Bytes.ToString(CultureInfo.InvariantCulture)} bytes)");
                break;
            case ErrorEvent error:
                Line($"Error: {error.Message}");
                break;
            default:
                break; // how it is counted and queued is no part of what is read here
        }
    }

    private static string Outcome(ApprovalInfo approval, DecisionInfo decision) => approval.State switch
    {
        _ when approval.NotDone is { } why => $"not run: {why}",
        ApprovalState.Expired => "expired: no decision in time",
        ApprovalState.Withdrawn => $"cancelled: {decision.By}",
        ApprovalState.Unknown => "outcome unknown",
        _ when decision.Verdict == DecisionVerdict.Deny =>
            $"denied by {decision.By}{(decision.Reason is { Length: > 0 } why ? $": {why}" : "")}",
        _ => $"allowed by {decision.By} ({decision.Scope.ToString().ToLowerInvariant()})",
    };

    private void CloseBlock()
    {
        _open = null;
        if (!_atStart)
        {
            output.WriteLine(color && _openIsOutput ? "\e[0m" : "");
            _atStart = true;
        }

        output.Flush();
    }

    private void Line(string text)
    {
        CloseBlock();
        output.WriteLine(Untrusted.Show(text));
        output.Flush();
    }

    private void Finish(TextEvent text)
    {
        if (_open != text.BlockId)
        {
            CloseBlock();
        }

        var shown = _shown.GetValueOrDefault(text.BlockId);
        if (shown < text.Text.Length)
        {
            Continue(text.BlockId, text.Text[shown..], isOutput: false);
        }

        _shown.Remove(text.BlockId);
        CloseBlock();
        if (text.Cut)
        {
            Line("  [truncated here]");
        }
    }

    private void Continue(string block, string text, bool isOutput)
    {
        (_open, _openIsOutput) = (block, isOutput);
        _shown[block] = _shown.GetValueOrDefault(block) + text.Length;
        if (_halves.Remove(block, out var half))
        {
            text = half + text;
        }

        if (char.IsHighSurrogate(text[^1]))
        {
            _halves[block] = text[^1]; // the rest of this character comes with the next piece
            text = text[..^1];
        }

        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].Length > 0)
            {
                if (_atStart)
                {
                    output.Write(isOutput ? color ? "\e[2m  | " : "  | " : "");
                }

                output.Write(string.Join('\t', lines[i].TrimEnd('\r').Split('\t').Select(Untrusted.Show)));
                _atStart = false;
            }

            if (i < lines.Length - 1)
            {
                output.WriteLine(color && isOutput && !_atStart ? "\e[0m" : "");
                _atStart = true;
            }
        }

        output.Flush();
    }

    private void Show(ToolResultEvent result)
    {
        var live = _shown.Remove(result.ToolUseId);
        if (_tools.Remove(result.ToolUseId) && !live && result.Output.Length > 0)
        {
            var lines = result.Output.TrimEnd('\n').Split('\n');
            foreach (var line in lines.Take(ShownLines))
            {
                output.WriteLine(color ? $"\e[2m  | {Untrusted.Show(line)}\e[0m" : $"  | {Untrusted.Show(line)}");
            }

            if (lines.Length > ShownLines)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  | … {lines.Length - ShownLines} more lines"));
            }
        }

        var took = result.DurationMs is { } ms ? string.Create(CultureInfo.InvariantCulture, $", {ms / 1000.0:0.0} s") : "";
        var code = result.ExitCode is { } exit ? string.Create(CultureInfo.InvariantCulture, $" (exit {exit}{took})") : "";
        var refused = _refused.Remove(result.ToolUseId);
        Line($"  {(refused ? "not run" : result.Interrupted ? "interrupted" : result.Failed || result.ExitCode is not (null or 0) ? "failed" : "done")}{code}");
    }
}
