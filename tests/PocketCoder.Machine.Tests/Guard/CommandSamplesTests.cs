using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Machine.Guard;
using PocketCoder.Protocol;
using PocketCoder.Risks;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Guard;

/// <summary>The app is tried with commands whose risk is read as the daemon reads it: what it is told of them is made here.</summary>
public sealed class CommandSamplesTests
{
    private const string Commands = "app/src/dev/commands.json";
    private const string Samples = "app/src/dev/command-risks.json";

    private static readonly JsonSerializerOptions s_readable = new(ProtocolJson.Default.Options)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.Default,
    };

    [Fact]
    public async Task The_risks_that_the_app_is_tried_with_are_read_by_the_daemon()
    {
        await using var owner = await Owner.CreateAsync();
        var project = owner.Project;
        var samples = new JsonArray();
        foreach (var asked in JsonNode.Parse(await File.ReadAllTextAsync(Repository.PathOf(Commands)))!.AsArray())
        {
            var command = (string)asked!["command"]!;
            var cwd = (string)asked["cwd"]!;
            var risk = GitConsequences.Of(RiskAssessor.Assess(command, project, project, "/home/ada", marked: true), project);
            samples.Add(new JsonObject
            {
                ["command"] = command,
                ["cwd"] = cwd,
                ["risk"] = JsonNode.Parse(
                    JsonSerializer.Serialize(risk, ProtocolJson.Default.RiskInfo).Replace(project, cwd, StringComparison.Ordinal)),
            });
        }

        var text = samples.ToJsonString(s_readable) + "\n";
        if (Environment.GetEnvironmentVariable("POCKETCODER_WRITE_CONTRACTS") == "1")
        {
            await File.WriteAllTextAsync(Repository.PathOf(Samples), text);
        }

        Assert.True(File.Exists(Repository.PathOf(Samples)) && await File.ReadAllTextAsync(Repository.PathOf(Samples)) == text,
            $"{Samples} is stale: run eng/contracts.sh");
    }
}
