using System.Text.Json.Serialization;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Snapshots.Undo;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Beneath which folders devices may register projects, and what these reach: the owner's word only.</summary>
internal static class OwnerProjects
{
    private static OwnerProjectsJson Json => OwnerProjectsJson.Default;

    public static Verb<ProjectRootsListRequest, ProjectRootsListResponse> Roots { get; } =
        new("project_roots_list", static () => Json.ProjectRootsListRequest, static () => Json.ProjectRootsListResponse);

    public static Verb<ProjectRootRequest, ProjectRootResponse> AddRoot { get; } =
        new("project_root_add", static () => Json.ProjectRootRequest, static () => Json.ProjectRootResponse);

    public static Verb<ProjectRootRequest, ProjectRootResponse> RemoveRoot { get; } =
        new("project_root_remove", static () => Json.ProjectRootRequest, static () => Json.ProjectRootResponse);

    public static Verb<NetworkRuleAddRequest, NetworkRuleAddResponse> AllowHost { get; } =
        new("network_rule_add", static () => Json.NetworkRuleAddRequest, static () => Json.NetworkRuleAddResponse);

    public static Verb<UndoFindRequest, UndoFindResponse> FindUndo { get; } =
        new("undo_find", static () => Json.UndoFindRequest, static () => Json.UndoFindResponse);

    public static MessageTable MapOwnerProjects(this MessageTable table, FolderRoots roots, NetworkRules rules, UndoService undo) => table
        .MapOwner(
            Roots,
            async (_, _, ct) => new ProjectRootsListResponse(await roots.ListAsync(ct)))
        .MapOwner(
            AddRoot,
            async (_, request, _) => new ProjectRootResponse(await roots.AddAsync(request.Path)))
        .MapOwner(
            RemoveRoot,
            async (_, request, _) => new ProjectRootResponse(await roots.RemoveAsync(request.Path)))
        .MapOwner(
            AllowHost,
            async (_, request, _) => new NetworkRuleAddResponse(await rules.AddAsync(request.ProjectId, request.Host, request.Days, "cli")))
        .MapOwner(
            FindUndo,
            async (_, request, ct) => new UndoFindResponse(await undo.FindAsync(request.Target, ct)));
}

internal sealed record ProjectRootsListRequest;

/// <param name="Roots">Real paths of the folders beneath which devices may register projects.</param>
internal sealed record ProjectRootsListResponse(IReadOnlyList<string> Roots);

/// <param name="Path">Absolute.</param>
internal sealed record ProjectRootRequest(string Path);

/// <param name="Path">Its real path.</param>
internal sealed record ProjectRootResponse(string Path);

/// <param name="Host"><c>example.com</c>, <c>.example.com</c>, <c>example.com:8443</c>; without ports 80 and 443.</param>
/// <param name="Days">1–365; null: no end.</param>
internal sealed record NetworkRuleAddRequest(Guid ProjectId, string Host, int? Days);

internal sealed record NetworkRuleAddResponse(NetworkRuleInfo Rule);

/// <param name="Target">Id of an approval, a turn or an undo, or its first 8 characters or more.</param>
internal sealed record UndoFindRequest(string Target);

internal sealed record UndoFindResponse(UndoTarget Target);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(ProjectRootsListRequest))]
[JsonSerializable(typeof(ProjectRootsListResponse))]
[JsonSerializable(typeof(ProjectRootRequest))]
[JsonSerializable(typeof(ProjectRootResponse))]
[JsonSerializable(typeof(NetworkRuleAddRequest))]
[JsonSerializable(typeof(NetworkRuleAddResponse))]
[JsonSerializable(typeof(UndoFindRequest))]
[JsonSerializable(typeof(UndoFindResponse))]
internal sealed partial class OwnerProjectsJson : JsonSerializerContext;
