namespace PocketCoder.Agents.Shared;

/// <summary>A picture that goes with a prompt.</summary>
internal sealed record Picture(string MediaType, byte[] Bytes);

/// <summary>Reads what models are shown as pictures; the machine has bounded their size and looked at their bytes.</summary>
internal static class Pictures
{
    private static readonly string[] s_types = ["image/png", "image/jpeg", "image/gif", "image/webp"];

    /// <exception cref="AgentException">One can't be read.</exception>
    public static async Task<IReadOnlyList<Picture>> ReadAsync(AgentPrompt prompt, CancellationToken cancellationToken)
    {
        var pictures = new List<Picture>();
        foreach (var file in prompt.Attachments.Where(a => s_types.Contains(a.MediaType, StringComparer.Ordinal)))
        {
            try
            {
                pictures.Add(new Picture(file.MediaType, await File.ReadAllBytesAsync(file.Path, cancellationToken)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new AgentException(AgentError.Refused, $"A picture of the prompt can't be read: {e.Message}", e);
            }
        }

        return pictures;
    }
}
