using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Live;

/// <summary>One block of text that is being written. Guarded by the lock of the <see cref="LiveText"/> that holds it.</summary>
/// <param name="turn">The turn it belongs to; null: it was said outside of one.</param>
/// <param name="id">Unique in the session; for the output of a command the id of the tool call.</param>
/// <param name="parent">For a sub-agent's text: the tool call that started it.</param>
internal sealed class LiveBlock(Guid? turn, string id, DeltaKind kind, string? parent)
{
    public Guid? Turn { get; } = turn;

    public string Id { get; } = id;

    public DeltaKind Kind { get; } = kind;

    public string? Parent { get; } = parent;

    /// <summary>All that was shown.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>More came than is shown live.</summary>
    public bool IsFull { get; set; }

    /// <summary>How much of <see cref="Text"/> is on disk, in UTF-16 units.</summary>
    public int Written { get; set; }

    /// <summary>The agent gave it up: nothing more comes of it, and a later block may say the same anew.</summary>
    public bool IsDropped { get; set; }

    /// <summary>The block or tool call that it ends with, once that was heard.</summary>
    public string? With { get; private set; }

    /// <summary>How it ends with it.</summary>
    public LiveEnding Ending { get; private set; }

    /// <summary>Its finished form, or what was seen of it, stands in a change; when that is not committed it is open again.</summary>
    public bool IsEnded { get; set; }

    /// <summary>For the output of a command that is over: its result, which no event tells yet.</summary>
    public ToolResultEvent? Result { get; set; }

    /// <summary>Nobody saw anything of it.</summary>
    public bool IsBlank
    {
        get
        {
            if (Kind == DeltaKind.Output)
            {
                return false;
            }

            foreach (var chunk in Text.GetChunks())
            {
                if (!chunk.Span.IsWhiteSpace())
                {
                    return false;
                }
            }

            return true;
        }
    }

    public bool IsSameVoice(DeltaKind kind, string? parent) => Kind == kind && Parent == parent;

    /// <summary>The first word counts, except that its own finished form is always the last.</summary>
    public void EndWith(string with, LiveEnding how)
    {
        if (With is null || with == Id)
        {
            (With, Ending) = (with, how);
        }
    }

    /// <summary>What was seen of it, marked as cut.</summary>
    public AgentEventPayload AsSeen(DateTimeOffset at)
    {
        if (Result is not null)
        {
            return Result;
        }

        if (Kind == DeltaKind.Output)
        {
            return EventTranslator.CutOutput(Id, Text.ToString()) with { At = at, TurnId = Turn, ParentToolUseId = Parent };
        }

        var length = Text.Length > 0 && char.IsHighSurrogate(Text[^1]) ? Text.Length - 1 : Text.Length; // half a character was never shown
        var text = Text.ToString(0, length);
        return Kind == DeltaKind.Text
            ? new TextEvent(Id, text, Cut: true) { At = at, TurnId = Turn, ParentToolUseId = Parent }
            : new ThinkingEvent(Id, text, Cut: true) { At = at, TurnId = Turn, ParentToolUseId = Parent };
    }
}

/// <summary>How a block ends.</summary>
internal enum LiveEnding
{
    None,

    /// <summary>Another event says it.</summary>
    Gone,

    /// <summary>What was seen is the event.</summary>
    AsSeen,
}

/// <summary>Who writes blocks: one agent process, or one command. Once closed, nothing more of it is shown.</summary>
internal sealed class LiveSource
{
    /// <summary>Guarded by the lock of the <see cref="LiveText"/>.</summary>
    public bool IsClosed { get; set; }
}
