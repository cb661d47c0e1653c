namespace PocketCoder.Channels.Noise;

/// <summary>The patterns of Noise that are used (revision 34, sections 7.4, 7.5 and 9), by their names there.</summary>
internal enum NoisePattern
{
    /// <summary>A paired device connects.</summary>
    IK,

    /// <summary>A device pairs.</summary>
    IKpsk2,

    /// <summary>A letter: one message, and no answer.</summary>
    X,
}
