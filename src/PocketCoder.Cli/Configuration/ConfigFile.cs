using System.Text.Json;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;
using PocketCoder.Platform;

namespace PocketCoder.Cli.Configuration;

/// <summary>The settings' file in the home: a JSON object of texts.</summary>
internal static class ConfigFile
{
    /// <exception cref="CommandFailure">It is there and can't be read.</exception>
    public static IReadOnlyDictionary<string, string> Read(Home home)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(home.Config), CliJson.Default.IReadOnlyDictionaryStringString)
                ?? throw new JsonException();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new Dictionary<string, string>(StringComparer.Ordinal);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure(
                $"{home.Config} {(e is JsonException json ? $"can't be read: {JsonFault.Of(json)}" : "can't be read by this user.")} Fix it, or remove it to use the defaults.",
                code: OwnCodes.HomeRefused);
        }
    }

    public static void Change(Home home, Action<Dictionary<string, string>> change)
    {
        var values = new Dictionary<string, string>(Read(home), StringComparer.Ordinal);
        change(values);
        PrivateFile.Replace(home.Config, JsonSerializer.SerializeToUtf8Bytes<IReadOnlyDictionary<string, string>>(
            new SortedDictionary<string, string>(values, StringComparer.Ordinal), CliJson.Default.IReadOnlyDictionaryStringString));
    }
}
