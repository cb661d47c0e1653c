using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>What a later daemon needs to find a session again. Written by the daemon, into a folder that only it can write.</summary>
/// <param name="User">The user it runs as, or null for the daemon's own.</param>
/// <param name="ReservedUser">Whether that user is one of the free range and goes back when the session ends.</param>
/// <param name="Holder">Init of ring one: the process whose end is the end of everything inside.</param>
/// <param name="Launcher">bwrap outside of the ring.</param>
/// <param name="WorkspaceInside">Where commands start.</param>
/// <param name="Mounted">A mount on the host that ends with the session.</param>
/// <param name="Workspace">The project on the host. Like what follows it missing in the file of an earlier version: not watched
/// then.</param>
internal sealed record SessionState(
    string Id,
    uint? User,
    uint? Group,
    bool ReservedUser,
    ProcessIdentity Holder,
    ProcessIdentity Launcher,
    IReadOnlyList<string> ControlGroups,
    string WorkspaceInside,
    long FileSize,
    long Disk,
    bool Mounted,
    string? Workspace = null,
    long Memory = 0,
    long ProjectGrowth = 0,
    long Files = 0);

/// <summary>A command of a session. Written before the start without the leader, and again with it.</summary>
internal sealed record CommandState(string Id, bool Spooled, DateTimeOffset StartedAt, ProcessIdentity? Leader);

/// <summary>The part of bwrap's --json-status-fd that is used.</summary>
internal sealed record LauncherStatus([property: JsonPropertyName("child-pid")] int ChildPid);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(CommandState))]
[JsonSerializable(typeof(LauncherStatus))]
[JsonSerializable(typeof(ProcessIdentity))]
internal sealed partial class StateJson : JsonSerializerContext;

/// <summary>Writes records so that a crash leaves the old one or the new one.</summary>
internal static class StateFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static void Write<T>(string path, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        var next = path + ".new";
        using (var file = new FileStream(
            next, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            JsonSerializer.Serialize(file, value, type);
        }

        File.Move(next, path, overwrite: true);
    }

    /// <summary>Null when it is not there or not whole.</summary>
    public static T? Read<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
