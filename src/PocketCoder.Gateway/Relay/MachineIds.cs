using System.Buffers;

namespace PocketCoder.Gateway;

internal static class MachineIds
{
    private static readonly SearchValues<char> s_allowed =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    public static bool IsValid(string? id) => id is { Length: >= 1 and <= 64 } && !id.AsSpan().ContainsAnyExcept(s_allowed);
}
