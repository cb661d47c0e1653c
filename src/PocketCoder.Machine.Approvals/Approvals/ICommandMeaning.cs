using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>What a command means beside its text, as far as a digest covers it.</summary>
public interface ICommandMeaning
{
    /// <summary>One text for all of it: any difference is another thing than what was approved.</summary>
    string Digest { get; }

    /// <summary>Which code runs and which files are meant: an allowance for the same command again covers no other.</summary>
    string MeaningDigest { get; }

    /// <summary>The files whose code it runs, with what they hold.</summary>
    IReadOnlyList<ScriptInfo> Scripts { get; }
}
