using System.Text;
using System.Text.Json;

namespace PocketCoder.Machine.Executions.Tools;

/// <summary>
/// Reads what a model gave to a tool of ours. Agents do not hold the model to the schema, and what a person sees is the raw text, so that
/// whatever is unknown, given twice or of the wrong type is refused and never ignored. Not thread-safe.
/// </summary>
internal sealed class ToolInput
{
    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);

    private ToolInput(string? refusal) => Refusal = refusal;

    /// <summary>What is wrong, for the model; null as long as nothing is.</summary>
    public string? Refusal { get; private set; }

    /// <param name="known">The members there may be.</param>
    public static ToolInput Read(string json, params ReadOnlySpan<string> known)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return new ToolInput("The input must be an object.");
            }

            var input = new ToolInput(null);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (!known.Contains(member.Name) || !input._members.TryAdd(member.Name, member.Value.Clone()))
                {
                    return new ToolInput(
                        $"{(member.Name.Length <= 40 ? member.Name : "That")} is not available here, or given twice. There are: {string.Join(", ", known.ToArray())}.");
                }
            }

            return input;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new ToolInput("The input is not understood."); // also text with half a surrogate pair
        }
    }

    /// <param name="maxBytes">In UTF-8.</param>
    public string? Text(string name, int maxBytes, bool required = false)
    {
        if (!TryGet(name, out var value))
        {
            return required ? Refuse<string>($"{name} is missing.") : null;
        }

        try
        {
            if (value.ValueKind == JsonValueKind.String && value.GetString() is { } text && !text.Contains('\0', StringComparison.Ordinal)
                && Encoding.UTF8.GetByteCount(text) <= maxBytes)
            {
                return text;
            }
        }
        catch (InvalidOperationException)
        {
            // half a surrogate pair: no text
        }

        return Refuse<string>($"{name} must be text of at most {maxBytes} bytes without NUL.");
    }

    public bool Flag(string name)
    {
        if (!TryGet(name, out var value))
        {
            return false;
        }

        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.GetBoolean();
        }

        Refuse<string>($"{name} must be true or false.");
        return false;
    }

    public double? Number(string name, double least, double most)
    {
        if (!TryGet(name, out var value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= least && number <= most)
        {
            return number;
        }

        Refuse<string>(FormattableString.Invariant($"{name} must be a number from {least} to {most}."));
        return null;
    }

    public IReadOnlyList<string> Texts(string name, int maxCount, int maxBytes)
    {
        if (!TryGet(name, out var value))
        {
            return [];
        }

        try
        {
            if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= maxCount
                && value.EnumerateArray().All(i => i.ValueKind == JsonValueKind.String
                    && Encoding.UTF8.GetByteCount(i.GetString()!) is > 0 and var bytes && bytes <= maxBytes))
            {
                return [.. value.EnumerateArray().Select(i => i.GetString()!)];
            }
        }
        catch (InvalidOperationException)
        {
            // half a surrogate pair: no text
        }

        Refuse<string>($"{name} must be at most {maxCount} texts of at most {maxBytes} bytes.");
        return [];
    }

    private bool TryGet(string name, out JsonElement value) => _members.TryGetValue(name, out value)
        && value.ValueKind != JsonValueKind.Null;

    private T? Refuse<T>(string why)
        where T : class
    {
        Refusal ??= why;
        return null;
    }
}
