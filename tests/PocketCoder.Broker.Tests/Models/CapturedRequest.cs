using System.Text.Json.Nodes;
using PocketCoder.Broker.Models;

namespace PocketCoder.Broker.Tests.Models;

/// <summary>A request of a real agent; see Captures/README.md.</summary>
internal sealed record CapturedRequest(string Name, string Target, IReadOnlyDictionary<string, string> Headers, JsonObject Body)
{
    public static IReadOnlyList<CapturedRequest> All { get; } =
    [
        .. Directory.EnumerateFiles(System.IO.Path.Combine(AppContext.BaseDirectory, "Models", "Captures"), "*.json")
            .Order(StringComparer.Ordinal).Select(Load),
    ];

    public ModelDialect Dialect => Enum.Parse<ModelDialect>(Target.Split('/')[1], ignoreCase: true);

    /// <summary>The call without dialect and query.</summary>
    public string Path => "/" + string.Join('/', Target.Split('?')[0].Split('/')[2..]);

    private static CapturedRequest Load(string file)
    {
        var json = JsonNode.Parse(File.ReadAllText(file))!;
        return new CapturedRequest(
            System.IO.Path.GetFileNameWithoutExtension(file),
            json["target"]!.GetValue<string>(),
            json["headers"]!.AsObject().ToDictionary(h => h.Key, h => h.Value!.GetValue<string>(), StringComparer.OrdinalIgnoreCase),
            json["body"]!.AsObject());
    }
}
