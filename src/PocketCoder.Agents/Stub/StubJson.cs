using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Agents.Stub;

internal sealed record StubRun(string Command);

internal sealed record StubWrite(string FilePath, string Content);

internal sealed record StubConfirm(string Text);

/// <summary>
/// The inputs of the stub's tools. What it reads comes back from the machine as it was asked, so anything unknown is refused.
/// </summary>
[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(StubRun))]
[JsonSerializable(typeof(StubWrite))]
[JsonSerializable(typeof(StubConfirm))]
internal sealed partial class StubJson : JsonSerializerContext
{
    /// <summary>Readable by people: the app escapes what it shows, so other scripts than Latin need not be \u codes here.</summary>
    public static StubJson Readable
        => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
