using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Agents;

/// <summary>
/// Says when a secret left. What an agent reads by itself, what it is told and what it writes is part of its conversation with
/// the model; the transcript leaves secrets out of it and must not look as if the model had not got them. On the mailbox only.
/// </summary>
internal sealed class SentSecrets(SessionContext session)
{
    private readonly HashSet<string> _noted = new(StringComparer.Ordinal);

    /// <summary>A warning for each secret in a text that the model has, once a session and run of the daemon.</summary>
    public async Task NoteAsync(string text)
    {
        var found = new List<string>();
        session.Services.Secrets.Redactor.Redact(text, found);
        foreach (var name in found.Where(_noted.Add))
        {
            await session.UnlessFullAsync(session.NoteAsync(
                NoticeLevel.Warning,
                $"The secret {name} went to the model's provider: {session.Driver.Description.Name} has it in its conversation, as it is or in part. It is hidden only in what is shown here. If you did not mean to send it, create a new one where it comes from, then: pocketcoder secrets set {name}"));
        }
    }
}
