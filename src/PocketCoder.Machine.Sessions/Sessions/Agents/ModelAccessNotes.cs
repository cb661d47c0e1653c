using PocketCoder.Machine.Models;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Agents;

/// <summary>Whose credential the agent's models are asked with, and what people are told about it. On the mailbox only.</summary>
internal sealed class ModelAccessNotes(SessionContext session)
{
    private string? _keyName;

    /// <summary>Since the agent was last started; null: nothing is known.</summary>
    public ModelAccess? Access { get; private set; }

    /// <summary>A mark in the transcript where the agent holds the person's own login; it stands there once for each change.</summary>
    /// <param name="keyName">As <see cref="AgentSandboxes.StartedAgent.KeyName"/>.</param>
    public Task NoteAsync(ModelAccess? access, string? keyName)
    {
        var changed = Access != access;
        (Access, _keyName) = (access, keyName);
        if (changed && access == ModelAccess.Direct && session.Record.Sandbox == SandboxKind.Bubblewrap
            && session.Driver.Models?.OnlyByItself is { } why)
        {
            return session.UnlessFullAsync(session.NoteAsync(
                NoticeLevel.Warning,
                $"{session.Driver.Description.Name} itself is not in a sandbox: {why}. Its commands are in the sandbox. For a sandbox of its own, set a key: pocketcoder secrets set {session.Driver.Models?.Provider}"));
        }

        return changed && access == ModelAccess.OwnLogin
            ? session.UnlessFullAsync(session.NoteAsync(NoticeLevel.Warning,
                $"Models: {session.Driver.Description.Name}'s own login, which is inside the sandbox. To keep keys outside, set one: pocketcoder secrets set {session.Driver.Models?.Provider}"))
            : Task.CompletedTask;
    }

    /// <summary>That a key was refused, which one it is and how to replace it.</summary>
    public string RefusedKey(int status)
        => KeyRefusals.Words(_keyName ?? session.Driver.Models?.Provider, session.Driver.Description.Name, Access, status);

    /// <summary>
    /// Why a turn failed, and for a refused key what to do: an agent's own words name neither the key that is stored here nor how to
    /// replace it.
    /// </summary>
    /// <param name="isOurs">The words are ours already.</param>
    public string? WithKeyAdvice(TurnState outcome, string? error, bool isOurs)
        => outcome == TurnState.Failed && error is not null && !isOurs && KeyRefusals.IsRefused(error)
            && !error.Contains(RefusedKey(0), StringComparison.Ordinal) ? $"{error} {RefusedKey(0)}" : error;
}
