namespace PocketCoder.Protocol;

/// <summary>What a new session of a project begins with unless somebody chooses otherwise. Null: nothing is set.</summary>
/// <param name="Mode">Of that agent; like <paramref name="Model"/> and <paramref name="Effort"/> only with an agent.</param>
public sealed record ProjectDefaults(
    string? Agent = null, string? Mode = null, string? Model = null, string? Effort = null, SandboxKind? Sandbox = null);

public sealed record ProjectDefaultsGetRequest(Guid ProjectId);

public sealed record ProjectDefaultsGetResponse(ProjectDefaults Defaults);

/// <summary>
/// Sets all of them. Needs <see cref="Scope.Prompt"/>; a sandbox weaker than what held before needs <see cref="Scope.Manage"/>, and is
/// never below <see cref="MachineInfo.SandboxFloor"/>.
/// </summary>
public sealed record ProjectDefaultsSetRequest(Guid ProjectId, ProjectDefaults Defaults);

public sealed record ProjectDefaultsSetResponse(ProjectDefaults Defaults);
