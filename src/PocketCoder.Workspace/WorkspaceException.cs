using PocketCoder.Protocol;

namespace PocketCoder.Workspace;

/// <summary>
/// An expected failure about a project's files. The message is for people and tells nothing of what lies outside of the project.
/// </summary>
public sealed class WorkspaceException(ErrorCode code, string message, params (string Key, string Value)[] details) : Exception(message)
{
    public ErrorCode Code { get; } = code;

    public WireError Error => new(
        Code, Message, details.Length == 0 ? null : details.ToDictionary(d => d.Key, d => d.Value, StringComparer.Ordinal));
}
