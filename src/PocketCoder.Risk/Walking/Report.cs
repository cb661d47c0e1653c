using PocketCoder.Risks.Text;

namespace PocketCoder.Risks.Walking;

/// <summary>More commands than <see cref="RiskLimits.MaxCommands"/>; ends the analysis.</summary>
internal sealed class TooMuchException() : Exception("more commands than the analysis looks at");

/// <summary>Collects what is found. Only ever grows more cautious.</summary>
internal sealed class Report
{
    private readonly List<Consequence> _consequences = [];
    private readonly HashSet<(ConsequenceKind, string)> _seen = [];
    private readonly List<CommandCall> _commands = [];
    private readonly List<string> _scripts = [];
    private readonly HashSet<string> _seenCommands = new(StringComparer.Ordinal);
    private RiskTier _tier = RiskTier.Read;
    private bool _understood = true;
    private bool _complete = true;
    private bool _reversible = true;
    private int _looked;

    /// <summary>How often something was not understood; compared before and after a command.</summary>
    public int Doubts { get; private set; }

    public bool ReachesOut { get; private set; }

    public void Raise(RiskTier tier) => _tier = tier > _tier ? tier : _tier;

    public void CannotBeUndone() => _reversible = false;

    public void Add(ConsequenceKind kind, string subject, string sentence, RiskTier tier = RiskTier.Read)
    {
        Raise(tier);
        ReachesOut |= kind == ConsequenceKind.ReachesHost;
        if (!_seen.Add((kind, subject)))
        {
            return;
        }

        if (_consequences.Count >= RiskLimits.MaxConsequences)
        {
            _understood = false;
            return;
        }

        _consequences.Add(new Consequence(kind, subject, HiddenCharacters.Escape(sentence)));
    }

    /// <summary>The shell's part itself isn't clear: what runs, or with which arguments.</summary>
    public void NotUnderstood(string subject, string sentence, ConsequenceKind kind = ConsequenceKind.Unknown, RiskTier tier = RiskTier.ReachesOut)
    {
        _complete = false;
        Unknown(subject, sentence, kind, tier);
    }

    /// <summary>What runs is clear, what it does is not.</summary>
    public void Unknown(string subject, string sentence, ConsequenceKind kind = ConsequenceKind.Unknown, RiskTier tier = RiskTier.ReachesOut)
    {
        _understood = false;
        Doubts++;
        Add(kind, subject, sentence, tier);
    }

    public int Begin()
    {
        if (++_looked > RiskLimits.MaxCommands)
        {
            throw new TooMuchException();
        }

        return Doubts;
    }

    public void Command(CommandCall call)
    {
        if (_seenCommands.Add($"{string.Join('\0', call.Argv)}\u0001{string.Join('\0', call.Via)}\u0001{call.Known}"))
        {
            _commands.Add(call);
        }
    }

    /// <summary>A file whose content runs.</summary>
    public void Script(string path)
    {
        if (_scripts.Count < RiskLimits.MaxScripts && !_scripts.Contains(path, StringComparer.Ordinal))
        {
            _scripts.Add(path);
        }
    }

    public Risk ToRisk()
    {
        var tier = _understood ? _tier : (RiskTier)Math.Max((int)_tier, (int)RiskTier.WorkspaceWrite);
        return new Risk(tier, _understood, _complete, _reversible && _understood && tier <= RiskTier.WorkspaceWrite, _consequences, _commands) { Scripts = _scripts };
    }
}
