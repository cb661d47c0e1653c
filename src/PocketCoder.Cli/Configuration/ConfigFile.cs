using System.Text.Json;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;
using PocketCoder.Platform;

namespace PocketCoder.Cli.Configuration;

/// <summary>A file of settings in the home: a JSON object of texts.</summary>
internal static class ConfigFile
{
    /// <exception cref="CommandFailure">It is there and can't be read.</exception>
    public static IReadOnlyDictionary<string, string> Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), CliJson.Default.IReadOnlyDictionaryStringString)
                ?? throw new JsonException();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new Dictionary<string, string>(StringComparer.Ordinal);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure(
                $"{file} {(e is JsonException json ? $"can't be read: {JsonFault.Of(json)}" : "can't be read by this user.")} Fix it, or remove it to use the defaults.",
                code: OwnCodes.HomeRefused);
        }
    }

    public static void Change(string file, Action<Dictionary<string, string>> change)
    {
        var values = new Dictionary<string, string>(Read(file), StringComparer.Ordinal);
        change(values);
        PrivateFile.Replace(file, JsonSerializer.SerializeToUtf8Bytes<IReadOnlyDictionary<string, string>>(
            new SortedDictionary<string, string>(values, StringComparer.Ordinal), CliJson.Default.IReadOnlyDictionaryStringString));
    }
}
