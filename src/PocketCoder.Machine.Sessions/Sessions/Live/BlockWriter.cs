using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Live;

/// <summary>Keeps finished text of the agent's: whole, or cut off. On the mailbox only; holds nothing.</summary>
internal sealed class BlockWriter(SessionContext session, SentSecrets secrets)
{
    /// <summary>
    /// The longest finished block that is kept whole, in UTF-16 units: as an event it stays below <see cref="LedgerLimits.MaxEventBytes"/>
    /// however it is escaped.
    /// </summary>
    private const int MaxBlock = 640 * 1024;

    public async Task WriteAsync(AgentBlock block)
    {
        if (block.Text.Length == 0)
        {
            await session.Store.WriteAsync(change => session.Live.FinishAsSeen(change, block.BlockId));
            return;
        }

        // After a stop agents finish a block as far as it came, or not at all.
        var (text, cut) = block.Text.Length <= MaxBlock ? (block.Text, block.Cut || session.Cancelling)
            : (block.Text[..(char.IsHighSurrogate(block.Text[MaxBlock - 1]) ? MaxBlock - 1 : MaxBlock)], true);
        await session.Store.WriteAsync(change =>
        {
            session.Live.End(change, block.BlockId);
            change.Event(session.SessionId, block.Kind == BlockKind.Text
                ? new TextEvent(block.BlockId, text, cut)
                { At = change.Now, TurnId = session.Turn?.TurnId, ParentToolUseId = block.ParentToolUseId }
                : new ThinkingEvent(block.BlockId, text, cut)
                { At = change.Now, TurnId = session.Turn?.TurnId, ParentToolUseId = block.ParentToolUseId });
        });
        if (block is { Kind: BlockKind.Text, ParentToolUseId: null })
        {
            session.LastLine = LastLine.Of(session.Services.Secrets.Redactor.Redact(text)) ?? session.LastLine;
        }

        await secrets.NoteAsync(block.Text);
    }
}
