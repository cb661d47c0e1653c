using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Starting;

/// <summary>
/// Where a start is, in a small file of the home (<c>daemon.start</c>) as long as it lasts: what <c>start</c> and other commands tell
/// people and judge it by. Nothing depends on the file: what can't be written is not reported.
/// </summary>
public sealed class StartProgress
{
    private readonly Home _home;
    private readonly TimeProvider _time;
    private int _number;

    internal StartProgress(Home home, TimeProvider time) => (_home, _time) = (home, time);

    /// <summary>Where the start of this home's daemon is; null: none is under way.</summary>
    public static StartStep? Read(Home home)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(home.StartStep), StartJson.Default.StartStep);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <param name="step">What is done from now on, such as "opening the database".</param>
    internal void Report(string step)
    {
        try
        {
            // Not flushed to the disk: after a power cut it means nothing.
            var temporary = _home.StartStep + ".new";
            using (var file = PrivateFile.Open(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                file.Write(JsonSerializer.SerializeToUtf8Bytes(
                    new StartStep(Environment.ProcessId, ++_number, step, _time.GetUtcNow()), StartJson.Default.StartStep));
            }

            File.Move(temporary, _home.StartStep, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // a full disk, for one: the start itself will say so
        }
    }

    /// <summary>The start is over, well or not.</summary>
    internal void End()
    {
        try
        {
            File.Delete(_home.StartStep);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It names a process that does not start any more; the next start replaces it.
        }
    }
}

/// <summary>One step of a start.</summary>
/// <param name="Number">Counted from 1 in each start.</param>
/// <param name="At">When it began.</param>
public sealed record StartStep(int Pid, int Number, string Step, DateTimeOffset At);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(StartStep))]
internal sealed partial class StartJson : JsonSerializerContext;
