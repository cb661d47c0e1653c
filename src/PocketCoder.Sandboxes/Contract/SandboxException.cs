namespace PocketCoder.Sandboxes;

/// <summary>The closed set of what can go wrong with a sandbox.</summary>
public enum SandboxError
{
    /// <summary>The specification itself is wrong.</summary>
    InvalidSpec,

    /// <summary>A program or a kernel feature that the backend needs is missing.</summary>
    NotAvailable,

    /// <summary>The workspace can't be given to the sandbox: missing, a system directory, or of an owner we can't act as.</summary>
    WorkspaceRefused,

    /// <summary>A sandbox with this id exists.</summary>
    Exists,

    /// <summary>It did not come up; the message carries what the launcher said.</summary>
    StartFailed,

    /// <summary>It does not run any more.</summary>
    Lost,

    /// <summary>A step took longer than its limit.</summary>
    Timeout,

    /// <summary>Something could not be ended or removed.</summary>
    CleanupFailed,

    /// <summary>This backend does not have that.</summary>
    Unsupported,

    /// <summary>The container engine refused or could not be understood.</summary>
    Engine,
}

/// <summary>
/// An expected failure. The message is for people, says what to do next where there is something to do, and carries no secret.
/// </summary>
public sealed class SandboxException(SandboxError code, string message, Exception? inner = null) : Exception(message, inner)
{
    public SandboxError Code { get; } = code;
}
