using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Routing;

/// <summary>One row of the table: a message type, who may send it, and who answers it.</summary>
/// <param name="Scope">What a device needs; null: no device may.</param>
/// <param name="ForOwner">Whether the owner may ask it over the control socket.</param>
/// <param name="Request">The record that its payload is.</param>
/// <param name="Response">The record that the answer's payload is.</param>
/// <param name="Answer">Answers a payload. Refuses a caller that <see cref="Refusal"/> refuses, whoever calls it.</param>
/// <param name="Concurrent">May take long and runs beside a device's later requests; all others are answered in the order they
/// came.</param>
/// <param name="MostBytes">The largest message of this type that a device sends, in bytes.</param>
/// <param name="OwnerBytes">The largest payload that the owner sends, in bytes.</param>
public sealed record Route(
    string Type, Scope? Scope, bool ForOwner, System.Type Request, System.Type Response,
    Func<Caller, JsonElement?, CancellationToken, Task<Answer>> Answer, bool Concurrent, int MostBytes, int OwnerBytes)
{
    /// <summary>Why this caller may not ask; null: it may. The only place where that is decided.</summary>
    public WireError? Refusal(Caller caller) => caller switch
    {
        OwnerCaller => ForOwner ? null : NoneForOwner,
        DeviceCaller when Scope is null => NoneForDevices(Type),
        DeviceCaller { Device.OnlyApprovals: true } device when device.Device.Scopes.Contains(Scope.Value) && !ApprovedVerbs.Fit(this)
            => new WireError(
                ErrorCode.Unauthorized,
                "This device does nothing here without an approval: its owner limited it, or two people must allow what may destroy something. Ask an agent for it, or do it at the machine."),
        DeviceCaller device when device.Device.Scopes.Contains(Scope.Value) => null,
        DeviceCaller => new WireError(
            ErrorCode.Unauthorized,
            $"This device is not allowed to do that: it was paired without the scope '{Scope.Value.ToString().ToLowerInvariant()}'."),
        _ => throw new InvalidOperationException("A caller is a device or the owner."),
    };

    /// <summary>What the owner is told of a type that has no row for it.</summary>
    public static WireError NoneForOwner { get; } = new(
        ErrorCode.VersionUnsupported, "No such operation. The CLI and the daemon may have different versions: restart the daemon.");

    /// <summary>The same for a type that is the owner's and for one that nobody has.</summary>
    internal static WireError NoneForDevices(string type) => new(ErrorCode.InvalidRequest, $"There is no message {Shown(type)}.");

    private static string Shown(string type)
        => type.Length <= 64 && type.All(c => char.IsAsciiLetterOrDigit(c) || c == '_') ? $"'{type}'" : "of that name";
}

/// <summary>What a handler answered, not yet written.</summary>
/// <param name="ToMessage">Writes the whole response message of a device's request with this id.</param>
/// <param name="ToPayload">Writes the payload alone.</param>
public sealed record Answer(Func<string?, byte[]> ToMessage, Func<byte[]> ToPayload);
