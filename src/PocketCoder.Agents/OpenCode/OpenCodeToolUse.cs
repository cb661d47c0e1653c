using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>A tool call of the running turn. Guarded by the process's lock.</summary>
internal sealed class OpenCodeToolUse(string callId, string tool)
{
    public string CallId { get; } = callId;

    public string Tool { get; } = tool;

    /// <summary>Null until OpenCode told it; it may ask before that.</summary>
    public string? InputJson { get; set; }

    /// <summary>A person allowed exactly this.</summary>
    public bool IsApproved { get; set; }

    /// <summary>It was refused: what it gave is the reason, and no result.</summary>
    public bool IsRefused { get; set; }

    /// <summary>For a reading that a person allowed: where it led then.</summary>
    public ReadVerdict? Approved { get; set; }

    public bool IsOver { get; set; }

    /// <summary>For one of our tools: the call that came to us for it.</summary>
    public string? HostCall { get; set; }

    public int? ExitCode { get; set; }
}
