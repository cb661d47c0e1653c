using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What a session's turn is busy with while nothing new is to be read.</summary>
[JsonConverter(typeof(LowerSnake<QuietKind>))]
public enum QuietKind
{
    /// <summary>The agent's program starts.</summary>
    Starting,

    /// <summary>The model works on its answer.</summary>
    Thinking,

    /// <summary>Something waits for a person.</summary>
    Waiting,

    /// <summary>A tool runs.</summary>
    Tool,

    /// <summary>The models' provider refused or broke off, and the agent tries again.</summary>
    Retrying,

    /// <summary>The agent tries again or is silent, and this machine has no network.</summary>
    Network,

    /// <summary>The agent's process is gone, though its turn did not end.</summary>
    Dead,

    /// <summary>No sign of life for a while, and nothing explains it.</summary>
    Silent,
}

/// <summary>Why a running turn shows nothing new: pushed when it changes, at most every 5 s while it changes by time alone.</summary>
/// <param name="Since">When it began; for <see cref="QuietKind.Silent"/> the last sign of life. Show a running clock.</param>
/// <param name="Detail">One line. The tool and its title; the provider's error; for <see cref="QuietKind.Silent"/> what the process does.
/// Untrusted.</param>
/// <param name="NextAt">For <see cref="QuietKind.Retrying"/>: when it is tried again, when the agent told. May have passed: then it is
/// being tried.</param>
/// <param name="Attempt">For <see cref="QuietKind.Retrying"/>: which try, counted by the agent or else by the machine.</param>
/// <param name="MaxAttempts">After so many the agent gives up; null when it did not tell.</param>
public sealed record QuietInfo(QuietKind Kind, DateTimeOffset Since, string? Detail = null, DateTimeOffset? NextAt = null,
    int? Attempt = null, int? MaxAttempts = null);
