using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PocketCoder.Protocol.Tests.Strictness;

/// <summary>What two readers could read differently is found in the bytes of a message, wherever it stands.</summary>
public sealed class MessageBytesTests
{
    [Theory]
    [InlineData("""{"v":1,"type":"ping","requestId":"1","payload":{}}""", MessageFault.None)]
    [InlineData("""{"type":"ping","requestId":"1"}""", MessageFault.None)]
    [InlineData("""{"v":1,"a":{"b":1},"c":{"b":1},"d":[{"b":1},{"b":1}]}""", MessageFault.None)]
    [InlineData("""{"v":2,"type":"ping"}""", MessageFault.OtherVersion)]
    [InlineData("""{"type":"ping","v":0}""", MessageFault.OtherVersion)]
    [InlineData("""{"v":1.0,"type":"ping"}""", MessageFault.OtherVersion)]
    [InlineData("""{"v":99999999999999999999}""", MessageFault.OtherVersion)]
    [InlineData("""{"payload":{"v":2}}""", MessageFault.None)]
    [InlineData("""{"v":1,"v":1}""", MessageFault.NotAMessage)]
    [InlineData("""{"v":1,"\u0076":1}""", MessageFault.NotAMessage)]
    [InlineData("""{"type":"a","payload":{},"payload":{}}""", MessageFault.NotAMessage)]
    [InlineData("""{"ignored":1,"ignored":1}""", MessageFault.NotAMessage)]
    [InlineData("""{"payload":{"a":1,"a":1}}""", MessageFault.DoubledMember)]
    [InlineData("""{"payload":{"ignored":[[{"a":1,"\u0061":1}]]}}""", MessageFault.DoubledMember)]
    [InlineData("""{"payload":{"a":"\ud800"}}""", MessageFault.BrokenText)]
    [InlineData("""{"payload":{"\udc00":1}}""", MessageFault.BrokenText)]
    [InlineData("""{"type":"\ud800"}""", MessageFault.NotAMessage)]
    [InlineData("""{"payload":{"a":1,"a":1},"type":"a","type":"b"}""", MessageFault.NotAMessage)]
    [InlineData("", MessageFault.NotAMessage)]
    [InlineData("null", MessageFault.NotAMessage)]
    [InlineData("[]", MessageFault.NotAMessage)]
    [InlineData("\"x\"", MessageFault.NotAMessage)]
    [InlineData("1", MessageFault.NotAMessage)]
    [InlineData("{} {}", MessageFault.NotAMessage)]
    [InlineData("{", MessageFault.NotAMessage)]
    [InlineData("{/**/}", MessageFault.NotAMessage)]
    [InlineData("""{"a":1,}""", MessageFault.NotAMessage)]
    public void A_message_is_taken_for_what_it_is(string json, MessageFault expected)
        => Assert.Equal(expected, MessageBytes.Check(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void A_byte_that_is_no_utf_8_is_found_in_every_place_of_a_message()
    {
        var whole = Encoding.UTF8.GetBytes("""{"v":1,"type":"ping","requestId":"1","payload":{"ignored":"some text é"},"more":["a"]}""");
        foreach (var wrong in (byte[])[0xFF, 0xC0, 0x80, 0xED])
        {
            for (var at = 0; at <= whole.Length; at++)
            {
                Assert.Equal(MessageFault.NotAMessage, MessageBytes.Check([.. whole[..at], wrong, .. whole[at..]]));
            }
        }
    }

    [Fact]
    public void Nesting_has_a_bound_and_a_large_message_is_no_trouble()
    {
        Assert.Equal(MessageFault.None, MessageBytes.Check(Encoding.UTF8.GetBytes(Nested(MessageBytes.MaxDepth))));
        Assert.Equal(MessageFault.NotAMessage, MessageBytes.Check(Encoding.UTF8.GetBytes(Nested(MessageBytes.MaxDepth + 1))));
        var many = "{\"payload\":{" + string.Join(',', Enumerable.Range(0, 400_000).Select(i => $"\"{i}\":0")) + "}}";
        Assert.Equal(MessageFault.None, MessageBytes.Check(Encoding.UTF8.GetBytes(many)));

        static string Nested(int depth) => string.Concat(Enumerable.Repeat("{\"a\":", depth - 1)) + "{}" + new string('}', depth - 1);
    }

    [Fact]
    public void Of_random_messages_each_is_taken_as_it_is_and_none_with_one_member_doubled()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var message = new JsonObject { ["v"] = 1, ["type"] = "x", ["payload"] = Any(random, 4) };
            var text = message.ToJsonString();
            Assert.True(MessageBytes.Check(Encoding.UTF8.GetBytes(text)) == MessageFault.None, $"seed {seed}: {text}");
            var places = Enumerable.Range(0, text.Length).Where(i => IsObjectStart(text, i)).ToList();
            var at = places[random.Next(places.Count)];
            var doubled = text[..(at + 1)] + "\"z\":0,\"z\":[]" + (text[at + 1] == '}' ? "" : ",") + text[(at + 1)..];
            Assert.True(MessageBytes.Check(Encoding.UTF8.GetBytes(doubled)) is MessageFault.DoubledMember or MessageFault.NotAMessage,
                $"seed {seed}: {doubled}");
        }
    }

    private static JsonNode Any(Random random, int depth) => random.Next(depth > 0 ? 5 : 2) switch
    {
        0 => random.Next(),
        1 => new string([.. Enumerable.Range(0, random.Next(6)).Select(_ => (char)random.Next('a', 'f'))]),
        2 => new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Any(random, depth - 1))]),
        _ => new JsonObject(Enumerable.Range(0, random.Next(5))
            .Select(i => KeyValuePair.Create($"{(char)('a' + i)}", (JsonNode?)Any(random, depth - 1)))),
    };

    private static bool IsObjectStart(string text, int at) => text[at] == '{'; // no text of these has a brace
}

/// <summary>Bytes have one spelling in base64.</summary>
public sealed class CanonicalBase64Tests
{
    [Fact]
    public void What_is_taken_is_what_writing_the_bytes_gives_and_nothing_else()
    {
        var random = new Random(7);
        const string Letters = "ABab01-_+/= \n\t.";
        for (var length = 0; length < 70; length++)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            var (url, padded) = (System.Buffers.Text.Base64Url.EncodeToString(bytes), Convert.ToBase64String(bytes));
            Assert.Equal(bytes, CanonicalBase64.FromUrl(url));
            Assert.Equal(bytes, CanonicalBase64.FromPadded(padded));
            for (var round = 0; round < 50; round++)
            {
                Same(Changed(url), CanonicalBase64.FromUrl, b => System.Buffers.Text.Base64Url.EncodeToString(b));
                Same(Changed(padded), CanonicalBase64.FromPadded, b => Convert.ToBase64String(b));
            }

            if (length % 3 != 0)
            {
                Assert.Null(CanonicalBase64.FromUrl(url + new string('=', 3 - (length % 3))));
                Assert.Null(CanonicalBase64.FromPadded(padded.TrimEnd('=')));
            }
        }

        Assert.Null(CanonicalBase64.FromUrl(null));
        Assert.Null(CanonicalBase64.FromUrl("QR")); // stray bits
        Assert.Null(CanonicalBase64.FromPadded("Q R=="));

        string Changed(string text) => text.Insert(random.Next(text.Length + 1), Letters[random.Next(Letters.Length)].ToString());

        static void Same(string text, Func<string?, byte[]?> read, Func<byte[], string> write)
        {
            if (read(text) is { } taken)
            {
                Assert.Equal(text, write(taken));
            }
        }
    }
}
