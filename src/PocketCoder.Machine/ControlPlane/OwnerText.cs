using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Names that the owner gives.</summary>
internal static class OwnerText
{
    /// <summary>The text without spaces around it.</summary>
    /// <param name="limit">In characters.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST: it is empty, too long, or has characters that can't be seen.</exception>
    public static string Require(string? text, int limit, string what)
    {
        var trimmed = text?.Trim() ?? "";
        return trimmed.Length >= 1 && trimmed.Length <= limit && NameShape.IsPlain(trimmed)
            ? trimmed
            : throw new RequestFailure(ErrorCode.InvalidRequest, $"{what} must have 1 to {limit} visible characters.");
    }
}
