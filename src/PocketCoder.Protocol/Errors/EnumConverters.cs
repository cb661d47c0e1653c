using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Enums travel as lower_snake_case words, never as numbers.</summary>
public sealed class LowerSnake<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;

/// <summary>Error codes travel as UPPER_SNAKE_CASE words.</summary>
public sealed class UpperSnake<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseUpper, allowIntegerValues: false)
    where T : struct, Enum;
