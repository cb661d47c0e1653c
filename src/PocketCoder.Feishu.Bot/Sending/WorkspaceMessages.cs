using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Bot.Sending;

/// <summary>
/// Which message of a chat is its newest workspace card. While somebody has another card there (a form to choose a folder, say), it is
/// none, so that nothing is drawn over it. Thread-safe.
/// </summary>
internal sealed class WorkspaceMessages(BotNotes notes)
{
    /// <summary>Chats that share a lock; each waits for the platform in it.</summary>
    private const int Locks = 64;

    private readonly SemaphoreSlim[] _gates = [.. Enumerable.Range(0, Locks).Select(_ => new SemaphoreSlim(1, 1))]; // of chats, by hash

    /// <summary>Sends or changes a card; then that is the chat's newest, if it is a workspace.</summary>
    /// <param name="send">Gives the message's id.</param>
    public async Task<string> ShownAsync(
        string chat, CardView view, string nonce, Func<Task<string>> send, CancellationToken cancellationToken)
    {
        var gate = GateOf(chat);
        await gate.WaitAsync(cancellationToken);
        try
        {
            var message = await send();
            if (view is WorkspaceView workspace)
            {
                await notes.SetAsync(
                    Note.Workspace, EventIds.Key(chat), new WorkspaceNote(workspace.Project.Id, message, nonce), cancellationToken);
            }
            else if (await notes.FindAsync(Note.Workspace, EventIds.Key(chat), cancellationToken) is { } known
                && known.MessageId == message)
            {
                await notes.TakeAsync(Note.Workspace, EventIds.Key(chat), cancellationToken);
            }

            return message;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Changes the chat's workspace card, if it has one of this project. One that the platform refuses is none any more.</summary>
    /// <exception cref="FeishuException">It can be tried again.</exception>
    public async Task ChangeAsync(string chat, string project, Func<WorkspaceNote, Task> change, CancellationToken cancellationToken)
    {
        var gate = GateOf(chat);
        await gate.WaitAsync(cancellationToken);
        try
        {
            if (await notes.FindAsync(Note.Workspace, EventIds.Key(chat), cancellationToken) is { } known && known.Project == project)
            {
                await change(known);
            }
        }
        catch (FeishuException e) when (!e.Retryable)
        {
            await notes.TakeAsync(Note.Workspace, EventIds.Key(chat), cancellationToken);
        }
        finally
        {
            gate.Release();
        }
    }

    private SemaphoreSlim GateOf(string chat) => _gates[(uint)StringComparer.Ordinal.GetHashCode(chat) % Locks];
}
