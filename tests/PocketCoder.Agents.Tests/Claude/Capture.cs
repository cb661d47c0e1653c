using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>A recorded conversation; see Captures/README.md.</summary>
internal static class Capture
{
    public static IEnumerable<string> Names()
        => Directory.EnumerateFiles(Folder, "*.jsonl").Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal);

    public static IReadOnlyList<(bool Out, JsonObject Data)> Read(string name)
        => [.. File.ReadLines(Path.Combine(Folder, $"{name}.jsonl")).Select(l => JsonNode.Parse(l)!.AsObject())
            .Select(o => (o["dir"]!.GetValue<string>() == "out", o["data"]!.AsObject()))];

    /// <summary>The call of our hook that precedes each tool call of an assistant line.</summary>
    public static IEnumerable<JsonObject> HooksFor(JsonObject line)
    {
        if (line["type"]?.GetValue<string>() != "assistant" || line["message"]?["content"] is not JsonArray content)
        {
            yield break;
        }

        foreach (var block in content.Where(
            b => b?["type"]?.GetValue<string>() == "tool_use" && b["input"]?["__unparsedToolInput"] is null))
        {
            yield return new JsonObject
            {
                ["type"] = "control_request",
                ["request_id"] = $"hook-{block!["id"]}",
                ["request"] = new JsonObject
                {
                    ["subtype"] = "hook_callback",
                    ["callback_id"] = "before-tool",
                    ["input"] = new JsonObject
                    {
                        ["tool_name"] = block["name"]!.DeepClone(),
                        ["tool_input"] = block["input"]!.DeepClone(),
                        ["tool_use_id"] = block["id"]!.DeepClone()
                    },
                    ["tool_use_id"] = block["id"]!.DeepClone(),
                },
            };
        }
    }

    public static byte[] Bytes(JsonNode line) => Encoding.UTF8.GetBytes(line.ToJsonString(new JsonSerializerOptions { MaxDepth = 256 }));

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Claude", "Captures");
}
