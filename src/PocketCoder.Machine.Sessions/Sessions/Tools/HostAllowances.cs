namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// Hosts that a person allowed or denied for the commands that run, and how many were asked for in the turn. On the mailbox only.
/// </summary>
internal sealed class HostAllowances
{
    /// <summary>Hosts asked for while one turn runs.</summary>
    public const int MostInTurn = 40;

    /// <summary>Allowed once: for as long as the commands run that ran then.</summary>
    private readonly Dictionary<string, HashSet<string>> _once = new(StringComparer.Ordinal);

    /// <summary>Denied: not asked again while the turn runs, however often a program tries.</summary>
    private readonly Dictionary<string, string> _denied = new(StringComparer.Ordinal);
    private int _asked;

    public bool IsTurnFull => _asked >= MostInTurn;

    public bool IsAllowedOnce(string name) => _once.ContainsKey(name);

    /// <summary>Why it was denied in this turn; null: it was not.</summary>
    public string? WhyDenied(string name) => _denied.GetValueOrDefault(name);

    public void CountAsked() => _asked++;

    /// <param name="commands">The commands that run: when the last of them is over, so is this.</param>
    public void AllowOnce(string name, HashSet<string> commands)
    {
        if (commands.Count > 0)
        {
            _once[name] = commands;
        }
    }

    public void Deny(string name, string why) => _denied[name] = why;

    /// <summary>A command is over: what was allowed once for it is over when it was the last.</summary>
    public void Release(string command)
    {
        foreach (var (host, commands) in _once)
        {
            if (commands.Remove(command) && commands.Count == 0)
            {
                _once.Remove(host);
            }
        }
    }

    /// <summary>The turn is over, or being stopped: what was denied may be asked for again.</summary>
    public void EndTurn()
    {
        _denied.Clear();
        _asked = 0;
    }
}
