using System.Text;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Connections;

/// <summary>
/// What a device is told whose first message is refused: the reason that is true, and a close code that says there is one.
/// </summary>
public sealed class FirstWordsTests
{
    /// <summary>"The machine ended the connection and has said why", docs/gateway.md.</summary>
    private const int Said = 4000;

    [Fact]
    public async Task The_loser_of_a_pairing_race_learns_that_another_device_was_first()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var link = await daemon.LinkAsync();
        await using var first = await TestDevice.KnockAsync(link);
        await using var second = await TestDevice.KnockAsync(link); // both proved the secret; the offer is there for one

        await first.GreetAsync("first");
        await Assert.ThrowsAnyAsync<Exception>(() => second.GreetAsync("second"));

        await second.Over.WaitAsync(Wait.Limit);
        Assert.Equal("pairing_refused", second.Closed!.Code);
        Assert.Contains("Another device used this pairing link first", second.Closed.Message, StringComparison.Ordinal);
        Assert.Contains("Make a new one", second.Closed.Message, StringComparison.Ordinal);
        Assert.Equal(Said, await second.EndCodeAsync().WaitAsync(Wait.Limit));
        await first.AskAsync(MessageTypes.Ping, new PingRequest(), ProtocolJson.Default.PingRequest, ProtocolJson.Default.PingResponse);
    }

    [Theory]
    [InlineData("""{"v":1,"type":"ping","requestId":"x","payload":{}}""", ErrorCode.InvalidRequest, "The first message must be hello.")]
    [InlineData("""{"v":1,"type":"machine_state","requestId":"x","payload":{}}""", ErrorCode.InvalidRequest,
        "The first message must be hello.")]
    [InlineData("""{"v":1,"type":"hello","requestId":"x","payload":{}}""", ErrorCode.InvalidRequest, null)]
    [InlineData("""{"v":1,"type":"hello","requestId":"x","payload":{"protocol":99,"app":"a"}}""", ErrorCode.VersionUnsupported, null)]
    [InlineData("not json", ErrorCode.InvalidRequest, null)]
    public async Task A_request_before_hello_ends_with_a_code_that_says_that_there_is_a_reason(
        string message, ErrorCode code, string? words)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PairAsync();
        await using var hasty = await TestDevice.KnockAsync(daemon.Url, phone.Identity, phone.MachineKey);

        await hasty.SendAsync(Encoding.UTF8.GetBytes(message));

        var told = await hasty.NextAsync(e => e.Error is not null, "the reason");
        Assert.Equal(code, told.Error!.Code);
        Assert.True(words is null || told.Error.Message == words, told.Error.Message);
        Assert.Equal(Said, await hasty.EndCodeAsync().WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task A_malformed_signature_is_called_that_and_one_by_another_key_is_not()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("run: true");
        var asked = await phone.AskedAsync();
        var good = phone.Device.Decision(asked, DecisionVerdict.Allow, DecisionScope.Once, null, null, Guid.CreateVersion7());
        var bytes = System.Buffers.Text.Base64Url.DecodeFromChars(good.Signature);

        foreach (var malformed in (string[])["", "x", "not base64!", good.Signature[1..], good.Signature + "A", $"{good.Signature}==",
            System.Buffers.Text.Base64Url.EncodeToString(bytes.AsSpan(..63)), System.Buffers.Text.Base64Url.EncodeToString([.. bytes, 0])])
        {
            var told = await RefusedAsync(good with { Signature = malformed });
            Assert.Contains("malformed", told, StringComparison.Ordinal);
            Assert.DoesNotContain("pair the device", told, StringComparison.OrdinalIgnoreCase);
        }

        bytes[40] ^= 1;
        Assert.Contains("does not match the key",
            await RefusedAsync(good with { Signature = System.Buffers.Text.Base64Url.EncodeToString(bytes) }), StringComparison.Ordinal);

        async Task<string> RefusedAsync(DecisionRequest decision)
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => phone.Device.AskAsync(
                MessageTypes.AgentPromptResponse, decision, ProtocolJson.Default.DecisionRequest, ProtocolJson.Default.DecisionResponse));
            Assert.Equal(ErrorCode.BadSignature, refused.Error.Code);
            return refused.Error.Message;
        }
    }
}
