using System.Text.Json;
using PocketCoder.Testing.Contracts;

namespace PocketCoder.Protocol.Tests.Strictness;

/// <summary>An enum has one spelling of each of its words on the wire, wherever it stands.</summary>
public sealed class ExactNamesTests
{
    public static TheoryData<Type> Enums
        => new(typeof(MessageTypes).Assembly.GetTypes().Where(t => t is { IsEnum: true, IsPublic: true } && t != typeof(MessageFault)));

    [Theory]
    [MemberData(nameof(Enums), DisableDiscoveryEnumeration = true)]
    public void Every_enum_of_the_protocol_takes_its_own_words_and_nothing_that_looks_like_them(Type type)
    {
        foreach (var value in Enum.GetValues(type))
        {
            var written = JsonSerializer.Serialize(value, type, ProtocolJson.Default.Options);
            Assert.Equal(value, JsonSerializer.Deserialize(written, type, ProtocolJson.Default.Options));
        }

        foreach (var near in RequestSamples.NearWords(type).Append(null))
        {
            var text = near?.ToJsonString() ?? "null";
            var refused = Record.Exception(() => JsonSerializer.Deserialize(text, type, ProtocolJson.Default.Options));
            Assert.True(refused is JsonException, $"{type.Name} takes {text}");
        }
    }

    [Fact]
    public void Every_request_with_an_enum_is_refused_when_its_word_is_only_similar()
    {
        var tried = 0;
        foreach (var sample in RequestSamples.All())
        {
            var record = MessageCatalog.Request(sample.Type);
            Assert.NotNull(sample.Payload.Deserialize(record, ProtocolJson.Default.Options));
            foreach (var (place, near) in sample.Words.SelectMany(w => RequestSamples.NearWords(w.Enum).Select(n => (w, n))))
            {
                var refused = Record.Exception(
                    () => place.With(sample.Payload, near?.DeepClone()).Deserialize(record, ProtocolJson.Default.Options));
                Assert.True(refused is JsonException, $"{sample.Type} takes {near?.ToJsonString()} at {place}");
                tried++;
            }
        }

        Assert.True(tried > 300, $"only {tried} were tried");
    }

    [Fact]
    public void A_member_that_stands_twice_is_refused_in_every_request_at_every_depth()
    {
        foreach (var sample in RequestSamples.All().Where(s => s.Payload.Count > 0))
        {
            var record = MessageCatalog.Request(sample.Type);
            foreach (var doubled in Doubled(sample.Payload.ToJsonString()))
            {
                Assert.True(Record.Exception(() => JsonSerializer.Deserialize(
                    doubled, record, ProtocolJson.Default.Options)) is JsonException, $"{sample.Type} takes {doubled}");
            }
        }
    }

    /// <summary>The same text once for each of its objects, with the object's first member again at its end.</summary>
    private static IEnumerable<string> Doubled(string json)
    {
        for (var at = json.IndexOf("{\"", StringComparison.Ordinal); at >= 0; at = json.IndexOf("{\"", at + 1, StringComparison.Ordinal))
        {
            var name = json[(at + 1)..json.IndexOf(':', at)];
            var member = FirstMember(json, at);
            yield return json[..(at + 1)] + member + "," + json[(at + 1)..];
            yield return json[..(at + 1)] + member.Replace(name, Escaped(name), StringComparison.Ordinal) + "," + json[(at + 1)..];
        }
    }

    /// <summary>The same name, its first letter as an escape.</summary>
    private static string Escaped(string name) => $"\"\\u{(int)name[1]:x4}{name[2..]}";

    private static string FirstMember(string json, int at)
    {
        var reader = new Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(json[at..]), isFinalBlock: false, default);
        reader.Read();
        reader.Read();
        reader.Read();
        reader.TrySkip();
        return System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(json[at..]), 1, (int)reader.BytesConsumed - 1);
    }
}
