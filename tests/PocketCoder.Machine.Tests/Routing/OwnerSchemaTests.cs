using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Routing;

/// <summary>
/// The JSON Schema of what only the owner asks, written from the table (eng/contracts.sh). What devices ask is in
/// docs/protocol.schema.json, and may be the owner's too.
/// </summary>
public sealed class OwnerSchemaTests
{
    private const string File = "docs/owner.schema.json";

    private static readonly JsonSerializerOptions s_described = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = true,
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        // the exporter can't describe ours, which write the same words
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    [Fact]
    public async Task The_owners_schema_is_that_of_the_table()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var messages = new JsonObject();
        foreach (var route in daemon.Daemon.Table.Routes.Where(r => r.Scope is null).OrderBy(r => r.Type, StringComparer.Ordinal))
        {
            messages[route.Type] = s_described.GetJsonSchemaAsNode(route.Request);
            messages[route.Type + MessageTypes.ResponseSuffix] = s_described.GetJsonSchemaAsNode(route.Response);
        }

        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "PocketCoder control socket 1: payloads of the owner's own operations",
            ["messages"] = messages,
            ["alsoOfDevices"] = new JsonArray([.. daemon.Daemon.Table.Routes.Where(r => r is { ForOwner: true, Scope: not null })
                .Select(r => r.Type).Order(StringComparer.Ordinal).Select(t => (JsonNode)t)]),
        };
        var generated = schema.ToJsonString(s_described) + "\n";
        var path = Repository.PathOf(File);
        if (Environment.GetEnvironmentVariable("POCKETCODER_WRITE_CONTRACTS") == "1")
        {
            await System.IO.File.WriteAllTextAsync(path, generated, TestContext.Current.CancellationToken);
        }

        Assert.True(System.IO.File.Exists(path) && await System.IO.File.ReadAllTextAsync(
            path, TestContext.Current.CancellationToken) == generated, $"{File} is stale: run eng/contracts.sh");
    }
}
