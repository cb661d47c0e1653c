using PocketCoder.Risks.Programs;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Reading;

/// <summary>
/// The allow-list behind "only looks": a command that showed no other effect keeps that tier only when its program, every option and every
/// operand are known by an exact grammar.
/// </summary>
internal static class ReadOnlyGate
{
    /// <summary>
    /// Programs that run others when an option or a script says so: calling them in an unknown way is calling an unknown program.
    /// </summary>
    private static readonly HashSet<string> s_runOthers = new(StringComparer.Ordinal)
    {
        "less", "more", "zless", "man", "info", "awk", "gawk", "mawk", "nawk", "sed", "gsed", "tar", "bsdtar", "gtar", "rg", "ag", "ack",
        "bat", "yq", "top", "htop", "jobs",
    };

    /// <summary>Checks one command that would otherwise count as only looking.</summary>
    public static void Check(Invocation call)
    {
        var (name, args) = (call.Name, call.Args);
        if (ReadingPrograms.Find(name, args) is var (grammar, skip) && grammar.Parse([.. args.Skip(skip)]) is { } parsed)
        {
            call.Reads(grammar.Files(parsed));
            return;
        }

        Doubt(call, s_runOthers.Contains(name) ? RiskTier.ReachesOut : RiskTier.WorkspaceWrite);
    }

    /// <summary>The same for a command of git.</summary>
    public static void CheckGit(Invocation call, string verb)
    {
        if (ReadingGit.Find(verb, call.Args) is var (grammar, skip) && grammar.Parse([.. call.Args.Skip(skip)]) is { } parsed)
        {
            call.Reads(grammar.Files(parsed));
            return;
        }

        Doubt(call, RiskTier.ReachesOut);
    }

    private static void Doubt(Invocation call, RiskTier tier)
    {
        call.Report.CannotBeUndone();
        if (tier > RiskTier.WorkspaceWrite)
        {
            call.Report.Unseen();
        }

        call.Report.Unknown(call.Name, $"{call.Name} may change something with these options and operands: {call.Shown}", tier: tier);
    }
}
