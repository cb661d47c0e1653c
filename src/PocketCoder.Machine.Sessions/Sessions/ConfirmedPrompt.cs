namespace PocketCoder.Machine.Sessions;

/// <summary>A prompt that begins with <c>confirm:</c> waits for a yes before the agent sees what follows. Pure.</summary>
internal static class ConfirmedPrompt
{
    /// <summary>In any case, as in the system that it comes from.</summary>
    public const string Prefix = "confirm:";

    /// <summary>Whether somebody must say yes first. The mark with nothing behind it is a prompt like any other.</summary>
    public static bool IsWanted(string content) => TextOf(content).Length != content.Length;

    /// <summary>What the agent gets.</summary>
    public static string TextOf(string content)
    {
        var trimmed = content.AsSpan().TrimStart();
        if (!trimmed.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return content;
        }

        var rest = trimmed[Prefix.Length..].TrimStart();
        return rest.IsEmpty ? content : rest.ToString();
    }
}
