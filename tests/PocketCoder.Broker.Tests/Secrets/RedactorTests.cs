using System.Buffers;
using System.Text;
using System.Text.Json;
using PocketCoder.Broker.Secrets;

namespace PocketCoder.Broker.Tests.Secrets;

public sealed class RedactorTests
{
    private const string Secret = "s3cr3t/+\"ké y?&\\value";

    [Fact]
    public void A_secret_is_found_in_every_spelling_in_which_programs_write_it()
    {
        var redactor = new Redactor([KeyValuePair.Create("key", Secret)]);
        var raw = Encoding.UTF8.GetBytes(Secret);
        string[] spellings =
        [
            Secret, Convert.ToHexString(raw), Convert.ToHexStringLower(raw), Uri.EscapeDataString(Secret),
            System.Net.WebUtility.UrlEncode(Secret), JsonEncodedText.Encode(Secret).ToString(),
            JsonEncodedText.Encode(Secret, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(),
        ];
        Assert.All(spellings, s => Assert.Equal("before [secret:key] after", redactor.Redact($"before {s} after")));

        for (var before = 0; before < 7; before++)
        {
            var text = Convert.ToBase64String([.. Encoding.ASCII.GetBytes(new string('x', before)), .. raw, .. "tail"u8]);
            Assert.Contains("[secret:key]", redactor.Redact(text), StringComparison.Ordinal);
            Assert.Contains("[secret:key]", redactor.Redact(text.Replace('+', '-').Replace('/', '_')), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Text_without_secrets_and_values_too_short_to_look_for_stay_as_they_are()
    {
        var redactor = new Redactor([KeyValuePair.Create("key", Secret), KeyValuePair.Create("short", "abc")]);
        Assert.Equal("abc and \u202e é \ud83d\ude00", redactor.Redact("abc and \u202e é \ud83d\ude00"));
        Assert.Equal("x", new Redactor([]).Redact("x"));
    }

    [Fact]
    public void Secrets_that_overlap_leave_no_end_behind()
    {
        var redactor = new Redactor(
            [KeyValuePair.Create("a", "abcdefgh"), KeyValuePair.Create("b", "efghijkl"), KeyValuePair.Create("c", "abcdefghij")]);
        Assert.Equal("<[secret:c]>", redactor.Redact("<abcdefghijkl>"));
        Assert.Equal("[secret:a]", new Redactor([KeyValuePair.Create("a", "aaaaaa")]).Redact(new string('a', 500)));
    }

    [Fact]
    public void What_comes_out_does_not_depend_on_where_the_pieces_end()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (var seed = 1; clock.Elapsed < TimeSpan.FromSeconds(3) || seed < 500; seed++)
        {
            var random = new Random(seed);
            var secrets = Enumerable.Range(0, random.Next(1, 5)).Select(i => KeyValuePair.Create($"s{i}", Word(random, random.Next(6, 14))))
                .ToList();
            var redactor = new Redactor(secrets);
            var text = new StringBuilder();
            for (var i = random.Next(20); i >= 0; i--)
            {
                var value = secrets[random.Next(secrets.Count)].Value;
                text.Append(random.Next(5) switch
                {
                    0 => value,
                    1 => Convert.ToBase64String(
                        Encoding.ASCII.GetBytes(Word(random, random.Next(4)) + value + Word(random, random.Next(4)))),
                    2 => value[..random.Next(value.Length)],
                    3 => value + value[1..],
                    _ => Word(random, random.Next(12)),
                });
            }

            var bytes = Encoding.ASCII.GetBytes(text.ToString());
            var whole = redactor.Redact(bytes);
            var output = new ArrayBufferWriter<byte>();
            var stream = redactor.OpenStream();
            for (var at = 0; at < bytes.Length;)
            {
                var size = Math.Min(bytes.Length - at, random.Next(0, 9));
                stream.Write(bytes.AsSpan(at, size), output);
                at += size;
            }

            stream.Complete(output);
            Assert.True(whole.AsSpan().SequenceEqual(output.WrittenSpan),
                $"seed {seed}: {text}\n{Encoding.ASCII.GetString(whole)}\n{Encoding.ASCII.GetString(output.WrittenSpan)}");
            var shown = Encoding.ASCII.GetString(whole);
            Assert.All(secrets, s => Assert.False(
                Without(shown).Contains(s.Value, StringComparison.Ordinal), $"seed {seed}: {s.Value} in {shown}"));
        }

        // The marks themselves may stand next to text; only what came from the input counts.
        static string Without(string shown) => System.Text.RegularExpressions.Regex.Replace(
            shown, @"\[secret:s[0-9]\]", "\n", System.Text.RegularExpressions.RegexOptions.NonBacktracking);
    }

    [Fact]
    public void A_stream_writes_out_what_cannot_be_a_secret_any_more()
    {
        var redactor = new Redactor([KeyValuePair.Create("key", "0123456789abcdef")]);
        var stream = redactor.OpenStream();
        var output = new ArrayBufferWriter<byte>();
        stream.Write("hello 0123"u8, output);
        Assert.Equal("hello ", Encoding.ASCII.GetString(output.WrittenSpan));
        stream.Write("x"u8, output);
        Assert.Equal("hello 0123x", Encoding.ASCII.GetString(output.WrittenSpan));
    }

    private static string Word(Random random, int length)
        => string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(3))));
}
