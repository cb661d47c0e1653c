namespace PocketCoder.Machine.Executions;

/// <summary>What a session's sandbox is kept for.</summary>
[Flags]
public enum SandboxUse
{
    None = 0,

    /// <summary>The agent's commands: until the agent idles.</summary>
    Agent = 1,

    /// <summary>Terminals of people: until the last is closed, also without the daemon.</summary>
    Terminals = 2,
}

/// <summary>Who still needs which sandbox. Thread-safe; the lock guards the table.</summary>
internal sealed class SandboxUsers
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, SandboxUse> _uses = [];

    public void Add(Guid session, SandboxUse use)
    {
        lock (_gate)
        {
            _uses[session] = _uses.GetValueOrDefault(session) | use;
        }
    }

    /// <summary>Whether nobody needs it any more.</summary>
    public bool Remove(Guid session, SandboxUse use)
    {
        lock (_gate)
        {
            var left = _uses.GetValueOrDefault(session) & ~use;
            if (left == SandboxUse.None)
            {
                _uses.Remove(session);
                return true;
            }

            _uses[session] = left;
            return false;
        }
    }

    public bool Has(Guid session, SandboxUse use)
    {
        lock (_gate)
        {
            return (_uses.GetValueOrDefault(session) & use) != SandboxUse.None;
        }
    }
}
