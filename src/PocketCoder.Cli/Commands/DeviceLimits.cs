using System.CommandLine;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary>Whose a device is and what it may allow at most, as they are typed and shown.</summary>
internal static class DeviceLimits
{
    private static readonly (string Word, RiskTier Tier)[] s_tiers =
    [
        ("read", RiskTier.Read), ("workspace_write", RiskTier.WorkspaceWrite), ("reaches_out", RiskTier.ReachesOut),
        ("destructive", RiskTier.Destructive),
    ];

    public static Option<string?> Person() => new("--person")
    {
        Description = "Whose device it is: 1 to 64 of a-z 0-9 . _ @ + -; owner for your own",
        HelpName = "NAME",
    };

    public static Option<RiskTier?> Tier(string description)
    {
        var option = new Option<RiskTier?>("--tier")
        {
            Description = $"{description}: {string.Join(", ", s_tiers.SkipLast(1).Select(t => t.Word))} or {s_tiers[^1].Word}",
            HelpName = "TIER",
            CustomParser = result =>
            {
                var typed = result.Tokens[0].Value;
                if (Array.FindIndex(s_tiers, t => t.Word == typed) is var at and >= 0)
                {
                    return s_tiers[at].Tier;
                }

                result.AddError($"'{typed}' is not a tier. Use {string.Join(", ", s_tiers.SkipLast(1).Select(t => t.Word))} or {s_tiers[^1].Word}");
                return null;
            },
        };
        option.CompletionSources.Add([.. s_tiers.Select(t => t.Word)]);
        return option;
    }

    /// <summary>A limit in words; null: none.</summary>
    public static string Words(RiskTier? tier)
        => tier is { } most ? $"up to {s_tiers.First(t => t.Tier == most).Word}" : "any";
}
