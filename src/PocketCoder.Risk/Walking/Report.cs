using PocketCoder.Risks.Marks;
using PocketCoder.Risks.Paths;
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
    private readonly List<string> _searchPaths = [];
    private readonly List<PackageFetch> _fetches = [];
    private readonly List<string> _changed = [];
    private readonly HashSet<string> _seenCommands = new(StringComparer.Ordinal);
    private RiskTier _tier = RiskTier.Read;
    private bool _understood = true;
    private bool _complete = true;
    private bool _reversible = true;
    private bool _unseen;
    private int _looked;

    /// <summary>How often something was not understood; compared before and after a command.</summary>
    public int Doubts { get; private set; }

    public bool ReachesOut { get; private set; }

    /// <summary>How often something was found that does more than look; compared before and after a command.</summary>
    public int Raised { get; private set; }

    /// <summary>What goes beyond the workspace's files can't be undone.</summary>
    public void Raise(RiskTier tier)
    {
        RaiseUndoable(tier);
        if (tier > RiskTier.WorkspaceWrite)
        {
            CannotBeUndone();
        }
    }

    /// <summary>
    /// As <see cref="Raise"/>, for what happens to files of the workspace only: a snapshot brings them back, however far it goes.
    /// </summary>
    public void RaiseUndoable(RiskTier tier)
    {
        Raised += tier > RiskTier.Read ? 1 : 0;
        _tier = tier > _tier ? tier : _tier;
    }

    public void CannotBeUndone() => _reversible = false;

    /// <summary>
    /// A file or folder of the workspace is written or deleted. What can't be named exactly can't be said to be undoable.
    /// </summary>
    /// <param name="path">Absolute.</param>
    public void Changes(string path)
    {
        if (path.AsSpan().IndexOfAny("*?[{") >= 0 || _changed.Count >= RiskLimits.MaxConsequences)
        {
            CannotBeUndone();
        }
        else if (!_changed.Contains(path, StringComparer.Ordinal))
        {
            _changed.Add(path);
        }
    }

    public void Add(ConsequenceKind kind, string subject, string sentence, RiskTier tier = RiskTier.Read)
    {
        Raise(tier);
        AddUndoable(kind, subject, sentence, tier);
    }

    /// <inheritdoc cref="RaiseUndoable"/>
    public void AddUndoable(ConsequenceKind kind, string subject, string sentence, RiskTier tier)
    {
        RaiseUndoable(tier);
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
    public void NotUnderstood(
        string subject, string sentence, ConsequenceKind kind = ConsequenceKind.Unknown, RiskTier tier = RiskTier.ReachesOut)
    {
        _complete = false;
        Unknown(subject, sentence, kind, tier);
    }

    /// <summary>What runs is clear, what it does is not.</summary>
    public void Unknown(string subject, string sentence, ConsequenceKind kind = ConsequenceKind.Unknown,
        RiskTier tier = RiskTier.ReachesOut)
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
        if (_seenCommands.Add(
            $"{string.Join('\0', call.Argv)}\u0001{string.Join('\0', call.Via)}\u0001{call.Known}\u0001{string.Join('\0', call.Folders ?? [])}"))
        {
            _commands.Add(call);
        }
    }

    /// <summary>A program runs commands or code that it gets as text (<see cref="Risk.RunsUnseen"/>).</summary>
    public void Unseen() => _unseen = true;

    /// <summary>A file whose content runs.</summary>
    public void Script(string path)
    {
        if (_scripts.Count < RiskLimits.MaxScripts && !_scripts.Contains(path, StringComparer.Ordinal))
        {
            _scripts.Add(path);
        }
    }

    /// <summary>A value of <c>PATH</c>: programs by a bare name may come from its folders.</summary>
    public void SearchPath(string value)
    {
        if (_searchPaths.Count < RiskLimits.MaxScripts)
        {
            _searchPaths.Add(value);
        }
    }

    public void Fetches(string sources, IReadOnlyList<string>? folders)
    {
        if (_fetches.Count < RiskLimits.MaxScripts)
        {
            _fetches.Add(new PackageFetch(sources, folders));
        }
    }

    /// <summary>With what the parts of the command were taken for.</summary>
    public Risk ToRisk(SourceMarks marks, PlaceFinder places)
    {
        MarkedWords.Paint(marks, _consequences, places);
        return ToRisk() with { Marks = marks.ToMarks() };
    }

    public Risk ToRisk()
    {
        var tier = _understood ? _tier : (RiskTier)Math.Max((int)_tier, (int)RiskTier.WorkspaceWrite);
        return new Risk(tier, _understood, _complete, _reversible && _understood, _consequences, _commands)
        {
            Scripts = _scripts,
            SearchPaths = _searchPaths,
            Fetches = _fetches,
            RunsUnseen = _unseen,
            Changes = _changed,
        };
    }
}
