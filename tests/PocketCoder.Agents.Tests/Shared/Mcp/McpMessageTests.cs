using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Shared.Mcp;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Shared.Mcp;

/// <summary>Whatever comes is understood or refused, and nothing is called that was not asked for.</summary>
public sealed class McpMessageTests
{
    private static readonly string[] s_seeds =
    [
        """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"bash","arguments":{"command":"ls"},"_meta":{"progressToken":3}}}""",
        """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a","reason":"x"}}""",
        """{"jsonrpc":"2.0","id":"\ud83d\ude00","method":"initialize","params":{"protocolVersion":"2025-06-18"}}""",
    ];

    [Fact]
    public void Mutated_messages_never_throw_and_what_is_understood_can_be_answered()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var i = 0; i < 30_000; i++)
        {
            var bytes = Mutate(Encoding.UTF8.GetBytes(s_seeds[random.Next(s_seeds.Length)]), random);
            try
            {
                var message = McpMessage.Read(bytes);
                if (message.Kind == McpMessageKind.Request)
                {
                    using var id = JsonDocument.Parse(message.RawId);
                    Assert.NotNull(McpMessage.Key(id.RootElement));
                    using var answer = JsonDocument.Parse(McpAnswers.Called(message.RawId, "text", isError: false));
                    Assert.Equal(McpMessage.Key(id.RootElement), McpMessage.Key(answer.RootElement.GetProperty("id")));
                }
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, {i}: {Convert.ToBase64String(bytes)}: {e}");
            }
        }
    }

    [Fact]
    public async Task Mutated_requests_break_nothing_and_call_nothing_without_the_token()
    {
        await using var client = await McpTestClient.StartAsync();
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var request = Encoding.ASCII.GetBytes(
            $"POST /mcp HTTP/1.1\r\nHost: {client.Url.Authority}\r\nAuthorization: Bearer {new string('0', 64)}\r\nContent-Type: application/json\r\nContent-Length: {s_seeds[0].Length}\r\nConnection: close\r\n\r\n{s_seeds[0]}");
        for (var i = 0; i < 200; i++)
        {
            using var connection = new TcpClient();
            await connection.ConnectAsync(client.Url.Host, client.Url.Port);
            connection.LingerState = new LingerOption(enable: true, 0);
            await connection.GetStream().WriteAsync(Mutate(request, random));
        }

        Assert.True(client.Called.Count == 0, $"seed {seed}");
        Assert.Contains("result", (await client.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"ping"}""")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("\"1\"", "1")]
    [InlineData("\"a\"", "\"\\u0061\"")]
    public void Ids_are_compared_by_value_and_a_number_is_no_text(string left, string right)
    {
        using var a = JsonDocument.Parse(left);
        using var b = JsonDocument.Parse(right);
        Assert.Equal(left[0] == right[0], McpMessage.Key(a.RootElement) == McpMessage.Key(b.RootElement));
    }

    private static byte[] Mutate(byte[] bytes, Random random)
    {
        var list = bytes.ToList();
        for (var n = random.Next(1, 6); n > 0 && list.Count > 0; n--)
        {
            var at = random.Next(list.Count);
            switch (random.Next(5))
            {
                case 0:
                    list[at] = (byte)random.Next(256);
                    break;
                case 1:
                    list.RemoveAt(at);
                    break;
                case 2:
                    list.Insert(at, (byte)"{}[]\",:\\u0d8"[random.Next(12)]);
                    break;
                case 3:
                    list.RemoveRange(at, random.Next(list.Count - at));
                    break;
                default:
                    list.AddRange(list.Skip(at).Take(random.Next(40)).ToList());
                    break;
            }
        }

        return [.. list];
    }
}
