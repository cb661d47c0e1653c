using System.Text;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Tests.OpenCode;

public sealed class EventStreamReaderTests
{
    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", "a|b")]
    [InlineData("data: a\r\n\r\ndata:b\r\n\r\n", "a|b")]
    [InlineData("\uFEFFdata: a\n\n", "a")]
    [InlineData(": a comment\n\nid: 1\nevent: message\ndata: a\nretry: 5\n\n", "a")]
    [InlineData("data: a\ndata: b\ndata:\n\n", "a\nb\n")]
    [InlineData("data:  two blanks\n\n", " two blanks")]
    [InlineData("data\ndatax: no\n\ndata: cut off by the end\n", "")]
    [InlineData("\n\n\n", "")]
    [InlineData("", "")]
    public async Task Data_is_read_as_the_specification_says(string stream, string expected)
        => Assert.Equal(expected, string.Join('|', await ReadAllAsync(Encoding.UTF8.GetBytes(stream), 1000, 3)));

    [Fact]
    public async Task Too_long_a_line_and_too_long_an_event_are_refused()
    {
        await Assert.ThrowsAsync<LineTooLongException>(
            () => ReadAllAsync(Encoding.UTF8.GetBytes($"data: {new string('x', 200)}\n\n"), 100, 7));
        await Assert.ThrowsAsync<LineTooLongException>(() => ReadAllAsync(
            Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat($"data: {new string('x', 50)}\n", 5)) + "\n"), 100, 7));
    }

    [Fact]
    public async Task Events_are_the_same_wherever_the_pieces_are_cut()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        string[] lines = ["data: {\"a\":1}", "data:x", "data: ü€😀", ": comment", "event: e", "", "", "id", "data",
            "data: " + new string('y', 300)];
        for (var round = 0; round < 300; round++)
        {
            var end = random.Next(2) == 0 ? "\n" : "\r\n";
            var stream = Encoding.UTF8.GetBytes(
                string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => lines[random.Next(lines.Length)] + end)));
            var whole = await ReadAllAsync(stream, 10_000, stream.Length + 1);
            Assert.True(whole.SequenceEqual(await ReadAllAsync(stream, 10_000, 1 + random.Next(9))), $"seed {seed}, round {round}");
        }
    }

    private static async Task<List<string>> ReadAllAsync(byte[] stream, int limit, int piece)
    {
        var reader = new EventStreamReader(new Pieces(stream, piece), limit);
        var all = new List<string>();
        while (await reader.ReadAsync(CancellationToken.None) is { } data)
        {
            all.Add(Encoding.UTF8.GetString(data.Span));
        }

        return all;
    }

    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => base.ReadAsync(buffer[..Math.Min(buffer.Length, piece)], cancellationToken);
    }
}
