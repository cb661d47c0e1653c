using System.Globalization;
using System.Text.Json;

namespace PocketCoder.Machine;

/// <summary>
/// What is wrong with a JSON file that a person may have edited. The reader's own words name types of this program, which say nothing to
/// anybody else.
/// </summary>
public static class JsonFault
{
    /// <summary>One sentence: the place, and whether it is no JSON or JSON of another shape.</summary>
    public static string Of(JsonException e)
    {
        ArgumentNullException.ThrowIfNull(e);
        if (e is { Path: null, LineNumber: null, InnerException: null } && e.Message.All(c => c is not ('.' or '\'' or '`')))
        {
            return e.Message.TrimEnd('.') + "."; // said by our own check
        }

        var line = e.LineNumber is { } number ? string.Create(CultureInfo.InvariantCulture, $" in line {number + 1}") : "";
        return e.InnerException is null && e.Path is { Length: > 1 } path ? $"{path} is not what is expected there{line}."
            : $"It is not the JSON that is expected{line}.";
    }
}
