using System.Text.Json.Serialization;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Status;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The machine itself: how it is, what it is called, its stop.</summary>
internal static class OwnerMachine
{
    private static OwnerMachineJson Json => OwnerMachineJson.Default;

    public static Verb<OwnerStatusRequest, ControlStatus> Status { get; } =
        new("owner_status", static () => Json.OwnerStatusRequest, static () => Json.ControlStatus);

    public static Verb<OwnerWatchingRequest, OwnerWatchingResponse> Watching { get; } =
        new("owner_watching", static () => Json.OwnerWatchingRequest, static () => Json.OwnerWatchingResponse);

    public static Verb<MachineStopRequest, MachineStopResponse> Stop { get; } =
        new("machine_stop", static () => Json.MachineStopRequest, static () => Json.MachineStopResponse);

    public static Verb<MachineLabelRequest, LabelBody> LabelGet { get; } =
        new("machine_label_get", static () => Json.MachineLabelRequest, static () => Json.LabelBody);

    public static Verb<LabelBody, LabelBody> LabelSet { get; } =
        new("machine_label_set", static () => Json.LabelBody, static () => Json.LabelBody);

    public static Verb<MachineRegisterRequest, MachineRegisterResponse> Register { get; } =
        new("machine_register", static () => Json.MachineRegisterRequest, static () => Json.MachineRegisterResponse);

    public static MessageTable MapOwnerMachine(
        this MessageTable table,
        Func<CancellationToken, Task<ControlStatus>> status,
        Action<string> stop,
        string machine,
        MachineLabel label,
        Store store,
        SessionDirectory sessions,
        FileStreams files,
        Func<MachineInfo> info) => table
        .MapOwner(Status, (_, _, ct) => status(ct))
        .MapOwner(
            Watching,
            async (_, _, ct) =>
            {
                var states = await files.StatesAsync(ct);
                return new OwnerWatchingResponse(states.ToDictionary(s => s.Key, s => new ProjectWatching(s.Value.Watching, s.Value.Seq)));
            })
        .MapOwner(
            Stop,
            (caller, request, _) =>
            {
                var reason = request.Reason is { Length: > 0 and <= 200 } given ? given : "Stopped from the command line.";
                caller.AfterAnswer(() => stop(reason));
                return Task.FromResult(new MachineStopResponse(true));
            })
        .MapOwner(
            LabelGet,
            (_, _, _) => Task.FromResult(new LabelBody(label.Text)))
        .MapOwner(
            LabelSet,
            async (_, request, _) =>
            {
                var text = OwnerText.Require(request.Label, 64, "A machine's label");
                await label.SetAsync(text, store, (change, before) =>
                {
                    if (text != before)
                    {
                        SettingChange.Record(change, new SettingData("machine_label", machine, "set", text, before), null);
                    }
                });
                return new LabelBody(text);
            })
        .MapOwner(
            Register,
            async (_, _, ct) =>
            {
                await sessions.ReloadAsync(ct);
                store.Announce(new MachineChanged(info()));
                return new MachineRegisterResponse();
            });
}

internal sealed record OwnerStatusRequest;

internal sealed record OwnerWatchingRequest;

/// <summary>Which projects' files are being watched. A project that never was watched is not in it.</summary>
internal sealed record OwnerWatchingResponse(IReadOnlyDictionary<Guid, ProjectWatching> Projects);

/// <param name="Running">Somebody follows the project's files, or did so a moment ago.</param>
/// <param name="LastSeq">Of the last <c>fs_changed</c>.</param>
internal readonly record struct ProjectWatching(bool Running, long LastSeq);

/// <param name="Reason">1 to 200 characters; else the usual one.</param>
internal sealed record MachineStopRequest(string? Reason = null);

internal sealed record MachineStopResponse(bool Ok);

internal sealed record MachineLabelRequest;

/// <param name="Label">1–64 characters, trimmed, without control characters.</param>
internal sealed record LabelBody(string Label);

/// <summary>Reads the projects anew and tells all devices what this machine is now.</summary>
internal sealed record MachineRegisterRequest;

internal sealed record MachineRegisterResponse;

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(OwnerStatusRequest))]
[JsonSerializable(typeof(ControlStatus))]
[JsonSerializable(typeof(OwnerWatchingRequest))]
[JsonSerializable(typeof(OwnerWatchingResponse))]
[JsonSerializable(typeof(MachineStopRequest))]
[JsonSerializable(typeof(MachineStopResponse))]
[JsonSerializable(typeof(MachineLabelRequest))]
[JsonSerializable(typeof(LabelBody))]
[JsonSerializable(typeof(MachineRegisterRequest))]
[JsonSerializable(typeof(MachineRegisterResponse))]
internal sealed partial class OwnerMachineJson : JsonSerializerContext;
