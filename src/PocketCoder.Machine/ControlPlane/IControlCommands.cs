using System.Text.Json.Serialization;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>One-shot commands as the owner's, from the same machine. Expected failures are <see cref="ControlException"/>.</summary>
public interface IControlCommands
{
    /// <summary>Starts it, or gives what the same request started before.</summary>
    Task<CommandRunInfo> ExecAsync(CommandExecRequest request, CancellationToken ct);

    /// <param name="wait">How long to wait for more when there is none yet; at most 30 s.</param>
    Task<CommandReadResponse> ReadAsync(Guid run, long offset, int limit, TimeSpan wait, CancellationToken ct);

    /// <summary>Ends it; returns when it is over.</summary>
    Task<CommandRunInfo> CancelAsync(Guid run, CancellationToken ct);

    Task<CommandRunsListResponse> ListAsync(CommandRunsListRequest request, CancellationToken ct);

    /// <summary>The rules of a project.</summary>
    Task<CommandPolicy> PolicyAsync(Guid project, CancellationToken ct);

    /// <summary>Sets all of them; gives what they are then.</summary>
    Task<CommandPolicy> SetPolicyAsync(Guid project, CommandPolicy policy, CancellationToken ct);
}

/// <param name="Project">Id, the beginning of an id, name or path.</param>
/// <param name="Policy">Null: only show it.</param>
internal sealed record CommandPolicyBody(string Project, CommandPolicy? Policy);

/// <param name="Project">Id, the beginning of an id, name or path.</param>
/// <param name="Request">Its project is filled in.</param>
internal sealed record CommandStartBody(string Project, CommandExecRequest Request);

internal sealed record CommandReadBody(Guid Run, long Offset, int Limit, int WaitMs);

internal sealed record CommandSelection(Guid Run);

/// <param name="Project">Null: of all projects.</param>
internal sealed record CommandListBody(string? Project, int Limit);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 16)]
[JsonSerializable(typeof(CommandStartBody))]
[JsonSerializable(typeof(CommandReadBody))]
[JsonSerializable(typeof(CommandSelection))]
[JsonSerializable(typeof(CommandListBody))]
[JsonSerializable(typeof(CommandPolicyBody))]
[JsonSerializable(typeof(CommandPolicy))]
[JsonSerializable(typeof(CommandRunInfo))]
[JsonSerializable(typeof(CommandReadResponse))]
[JsonSerializable(typeof(CommandRunsListResponse))]
internal sealed partial class CommandControlJson : JsonSerializerContext;
