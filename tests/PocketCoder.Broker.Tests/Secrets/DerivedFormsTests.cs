using System.Buffers;
using System.Text;
using PocketCoder.Broker.Secrets;
using PocketCoder.Testing.Git;

namespace PocketCoder.Broker.Tests.Secrets;

/// <summary>What commands make of a secret without meaning to hide it.</summary>
public sealed class DerivedFormsTests
{
    private const string Secret = "sk-ant-api03-Zx9QpLm27RtVbNcKwEyHgJfDsAoUiTrQ-84aB_cD1";
    private static readonly Redactor s_redactor = new([KeyValuePair.Create("key", Secret)]);

    /// <summary>The dots that stand around the secret.</summary>
    private static readonly string[] s_dots = ["Li4u", "x2e", "427056"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("base64 in")]
    [InlineData("base64 -w 20 in")]
    [InlineData("base64 -w 7 in")]
    [InlineData("base64 -w 1 in")]
    [InlineData("base64 -w 32 in | sed 's/^/    /'")]
    [InlineData("base64 -w 32 in | sed 's/^/> /'")]
    [InlineData("base64 -w 32 in | sed 's/.*/  \"&\",/'")]
    [InlineData("base64 -w 0 in | tr '+/' '-_'")]
    [InlineData("base64 -w 0 in | tail -c +4")]
    [InlineData("xxd in")]
    [InlineData("xxd -u -g 1 in")]
    [InlineData("xxd -c 8 in")]
    [InlineData("xxd -e in")]
    [InlineData("xxd -b in")]
    [InlineData("xxd -p in")]
    [InlineData("xxd -p -c 5 in")]
    [InlineData("xxd -i in")]
    [InlineData("hexdump in")]
    [InlineData("hexdump -C in")]
    [InlineData("hexdump -c in")]
    [InlineData("hexdump -v -e '/1 \"%02x:\"' in")]
    [InlineData("od in")]
    [InlineData("od -x in")]
    [InlineData("od -c in")]
    [InlineData("od -b in")]
    [InlineData("od -a in")]
    [InlineData("od -t u1 in")]
    [InlineData("od -t d2 in")]
    [InlineData("od -t x4 in")]
    [InlineData("od -t x8 in")]
    [InlineData("od -t o4 in")]
    [InlineData("od -A d -t x1z in")]
    [InlineData("od -A x -t x1 in")]
    [InlineData("od -A n -t x1 in")]
    [InlineData("od -A n in")]
    [InlineData("od -A n -c in")]
    [InlineData("od -A n -t x1 in | tr -d ' \\n'")]
    [InlineData("od -A n -v -t x1 in | sed 's/ /\\\\x/g'")]
    [InlineData("od -A n -v -t x1 in | sed 's/ /, 0x/g'")]
    [InlineData("od -A n -v -t x1 in | tr -d '\\n' | sed 's/ /%/g'")]
    public async Task No_part_of_it_is_left_in_what_the_usual_tools_write(string command)
    {
        var folder = Directory.CreateTempSubdirectory("derived-").FullName;
        for (var before = 0; before < 4; before++)
        {
            // Each place in a group of base64 and in a line of a dump is another picture.
            await File.WriteAllTextAsync(
                Path.Combine(folder, "in"), $"{new string('.', before * 5)}{Secret}{new string('.', 30)}\n", Token);
            var output = await Shell.RunAsync(folder, command, Token);
            var shown = s_redactor.Redact(output);
            Assert.Contains("[secret:key]", shown, StringComparison.Ordinal);
            Assert.DoesNotContain(Left(output, shown), part => part.Length >= 6 && !Harmless(part));
            Assert.Equal(shown, InPieces(output, before + 1));
        }

        Directory.Delete(folder, recursive: true);

        // The dots around the secret look alike in all of these; whatever else is left is of the secret.
        static IEnumerable<string> Left(string output, string shown)
            => shown.Replace("[secret:key]", "\n", StringComparison.Ordinal)
                .Split([' ', '\n', ':', ',', '|', '>', '"'], StringSplitOptions.RemoveEmptyEntries);

        static bool Harmless(string part) => part.Distinct().Count() <= (s_dots.Any(d => part.Contains(d, StringComparison.Ordinal)) ? 9
            : 5) || part.Contains("unsigned", StringComparison.Ordinal) || part.Contains("in_len", StringComparison.Ordinal);
    }

    [Fact]
    public void Any_piece_of_a_long_key_is_found_wherever_it_was_cut()
    {
        for (var start = 0; start < Secret.Length; start++)
        {
            for (var length = 16; start + length <= Secret.Length; length++)
            {
                Assert.Equal("head [secret:key] tail", s_redactor.Redact($"head {Secret.Substring(start, length)} tail"));
            }
        }

        Assert.Equal("[secret:short]!",
            new Redactor([KeyValuePair.Create("short", "Tr0ub4dor&3-Horse")]).Redact("Tr0ub4dor&3-!"[..12] + "!"));
    }

    [Theory]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\nQyNTUxOQAAACBzb21ldGhpbmdzZWNyZXQ5OTg4Nzc2NjU1NDQzMzIyMTEwMAAAAAs=\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----")]
    [InlineData("postgres://admin:Zx9QpLm27RtVbNcK@localhost:5432/database", "postgres://localhost:5432/database")]
    [InlineData("{\"type\":\"service_account\",\"auth_uri\":\"https://accounts.example.com/o/oauth2/auth\",\"private_key_id\":\"8f14e45fceea167a5a36dedd4bea2543\"}",
        "{\"type\":\"service_account\",\"auth_uri\":\"https://accounts.example.com/o/oauth2/auth\"")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaa")]
    public void What_a_secret_has_in_common_with_ordinary_text_stays(string secret, string text)
    {
        var redactor = new Redactor([KeyValuePair.Create("x", secret)]);
        Assert.Equal(text, redactor.Redact(text));
        Assert.Contains("[secret:x]", redactor.Redact($"<{secret}>"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_piece_of_a_key_file_and_of_a_password_in_an_address_are_found()
    {
        const string Pem =
            "-----BEGIN KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgc29tZXRoaW5nc2VjcmV0\nOTk4ODc3NjY1NTQ0MzMyMjExMDBoRANCAAR6\n-----END KEY-----\n";
        Assert.Equal("x [secret:pem] y", new Redactor([KeyValuePair.Create("pem", Pem)]).Redact("x CCqGSM49AwEHBG0wawIBAQQgc29t y"));
        Assert.Equal("PGPASSWORD=[secret:db]", new Redactor([
            KeyValuePair.Create("db", "postgres://admin:Zx9QpLm27RtVbNcK@localhost:5432/database")]).Redact("PGPASSWORD=Zx9QpLm27RtVbNcK"));
    }

    [Fact]
    public void Random_texts_around_random_forms_leave_no_piece_whatever_the_cuts()
    {
        const int Rounds = 1_500;
        for (var seed = 1; seed <= Rounds; seed++)
        {
            var random = new Random(seed);
            var secret = Random(random, random.Next(12, 70), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+/=.");
            var redactor = new Redactor([KeyValuePair.Create("k", secret)]);
            var text = new StringBuilder();
            var clear = new StringBuilder();
            for (var i = random.Next(1, 6); i > 0; i--)
            {
                var plain = Encoding.ASCII.GetBytes(Random(random, random.Next(5), "xyz") + secret + Random(random, random.Next(5), "xyz"));
                var form = random.Next(6) switch
                {
                    0 => Wrapped(Convert.ToBase64String(plain), random.Next(1, 80), random.Next(4)),
                    1 => Wrapped(Convert.ToBase64String(plain).Replace('+', '-').Replace('/', '_'), random.Next(1, 80), random.Next(4)),
                    2 => Wrapped(Convert.ToHexStringLower(plain), random.Next(1, 80), random.Next(4)),
                    3 => string.Join(random.Next(3) switch { 0 => " ", 1 => ":", _ => ", 0x" },
                        plain.Select(b => b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture))),
                    4 => secret[random.Next(Math.Max(1, secret.Length - 16))..],
                    _ => Uri.EscapeDataString(secret),
                };
                text.Append(form).Append('\n').Append(Random(random, random.Next(30), "the quick brown fox 0123\n")).Append('\n');
                clear.Append(form);
            }

            var whole = redactor.Redact(text.ToString());
            Assert.Equal(whole, InPieces(text.ToString(), random.Next(1, 40), redactor));
            var size = secret.Length < 32 ? 12 : 16;
            for (var at = 0; at + size <= secret.Length; at++)
            {
                var piece = secret.Substring(at, size);
                if (piece.Distinct().Count() >= 6)
                {
                    Assert.False(whole.Contains(piece, StringComparison.Ordinal), $"seed {seed}: {piece} in {whole}");
                    var hex = Convert.ToHexStringLower(Encoding.ASCII.GetBytes(piece));
                    Assert.False(string.Concat(whole.Where(char.IsAsciiHexDigit)).Contains(hex, StringComparison.OrdinalIgnoreCase),
                        $"seed {seed}: {hex} in {whole}");
                }
            }
        }

        static string Wrapped(string text, int width, int indent)
            => string.Join('\n', text.Chunk(width).Select(line => new string(' ', indent) + new string(line)));
    }

    [Fact]
    public void A_stream_keeps_little_whatever_comes()
    {
        var random = new Random(1);
        foreach (var piece in (string[])["a", "0 ", "sk-ant-api03-Zx9Qp", "c2stYW50", "00000000: 736b", Secret[..20], " 0x", "\n", Secret])
        {
            var stream = s_redactor.OpenStream();
            var output = new ArrayBufferWriter<byte>();
            var (given, most) = (0L, 0L);
            for (var i = 0; i < 20_000; i++)
            {
                var bytes = Encoding.ASCII.GetBytes(random.Next(50) == 0 ? "q" : piece);
                given += bytes.Length;
                stream.Write(bytes, output);
                most = Math.Max(most, stream.HeldBytes);
            }

            Assert.True(most < 8 * 1024, $"{piece}: {most} of {given}");
        }
    }

    private static string InPieces(string text, int most, Redactor? redactor = null)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var output = new ArrayBufferWriter<byte>();
        var stream = (redactor ?? s_redactor).OpenStream();
        for (var at = 0; at < bytes.Length; at += most)
        {
            stream.Write(bytes.AsSpan(at, Math.Min(most, bytes.Length - at)), output);
        }

        stream.Complete(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static string Random(Random random, int length, string letters)
        => string.Concat(Enumerable.Range(0, length).Select(_ => letters[random.Next(letters.Length)]));
}
