// Test-only: the SDK runs in a Node.js of its own; the banned starters are for what ships.
#pragma warning disable RS0030

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests.Sdk;

/// <summary>
/// What the fake server knows of the platform is no better than our reading of it. The platform's own SDK (pinned in
/// <c>tests/agents</c>) is a
/// second opinion: it must get from the fake what it gets from the platform.
/// </summary>
[Trait("Category", "Slow")]
public sealed class SdkTests
{
    [Fact]
    public async Task The_platforms_own_sdk_finds_the_fake_to_be_the_platform()
    {
        await using var fake = await FakeFeishu.StartAsync();
        fake.Files["file_1"] = new byte[70_000];
        var modules = await RealAgents.ModulesAsync();
        var info = new ProcessStartInfo("node")
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.ArgumentList.Add(Repository.PathOf("tests/PocketCoder.Feishu.Tests/Sdk/sdk.cjs"));
        info.ArgumentList.Add(fake.Address.GetLeftPart(UriPartial.Authority));
        info.ArgumentList.Add(FakeFeishu.AppId);
        info.ArgumentList.Add(FakeFeishu.AppSecret);
        info.Environment.Clear();
        info.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        info.Environment["NODE_PATH"] = modules;
        var said = new ConcurrentQueue<JsonNode>();
        using var node = new Process { StartInfo = info };
        node.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } text)
            {
                said.Enqueue(JsonNode.Parse(text)!);
            }
        };
        var errors = new ConcurrentQueue<string?>();
        node.ErrorDataReceived += (_, line) => errors.Enqueue(line.Data);
        Assert.True(node.Start());
        node.BeginOutputReadLine();
        node.BeginErrorReadLine();
        try
        {
            await SaidAsync("ready");
            foreach (var done in (string[])["create", "create again", "card", "reply", "patch", "chat", "join", "cardkit", "stream", "settings", "update"])
            {
                Assert.Equal(0, (int)First(done)["code"]!);
            }

            Assert.Equal((string?)First("create")["id"], (string?)First("create again")["id"]);
            var reply = fake.Messages.Values.Single(m => m.Parent is not null);
            Assert.Equal((reply.Parent, reply.Thread), ((string?)First("reply")["parent"], (string?)First("reply")["thread"]));
            Assert.NotNull(reply.Thread);
            Assert.Equal(["ou_ann", "ou_bob", "ou_cho"], First("members")["names"]!.AsArray().Select(n => (string)n!));
            Assert.Equal(70_000, (int)First("file")["size"]!);
            Assert.Equal("streamed", Assert.Single(fake.Cards).Value.Elements["out"]);

            await Wait.UntilAsync(() => fake.Connections.Open == 1, "the SDK's long connection");
            Assert.Equal(200, (await fake.Connections.DeliverAsync(Samples.Message())).Code);
            await SaidAsync("message"); // its output comes another way than its answer
            Assert.Equal(("om_of_ev_1", "@_user_1 hello"), ((string?)First("message")["id"], (string?)First("message")["text"]));
            var parts = await fake.Connections.DeliverAsync(Samples.Message("ev_2"), parts: 5);
            Assert.Equal(200, parts.Code);
            await Wait.UntilAsync(() => said.Any(s => (string?)s["id"] == "om_of_ev_2"), "the message in parts");
            Assert.Equal(500, (await fake.Connections.DeliverAsync(Samples.Message("ev_3", content: """{"text":"fail"}"""))).Code);
            var click = await fake.Connections.DeliverAsync(Samples.Click());
            Assert.Equal("""{"toast":{"type":"success","content":"ok"}}""", click.Data!.ToJsonString());
            await SaidAsync("action");
            Assert.Equal(("ou_ann", "n1"), ((string?)First("action")["who"], (string?)First("action")["nonce"]));
            Assert.True(fake.Connections.Pings > 0);
            Assert.DoesNotContain(said, s => (string?)s["what"] is "error" or "failed");
        }
        finally
        {
            node.StandardInput.Close();
            try
            {
                await node.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Wait.Limit);
            }
            finally
            {
                if (!node.HasExited)
                {
                    node.Kill(entireProcessTree: true);
                }
            }
        }

        JsonNode First(string what) => said.First(s => (string?)s["what"] == what);

        async Task SaidAsync(string what)
        {
            await Wait.UntilAsync(() => node.HasExited || said.Any(s => (string?)s["what"] == what), $"the SDK's \"{what}\"");
            Assert.True(said.Any(s => (string?)s["what"] == what), string.Join('\n', said.Select(s => s.ToJsonString()).Concat(errors)));
        }
    }
}
