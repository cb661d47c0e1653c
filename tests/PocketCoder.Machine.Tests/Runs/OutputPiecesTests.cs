using System.Text;
using PocketCoder.Machine.Runs;

namespace PocketCoder.Machine.Tests.Runs;

public sealed class OutputPiecesTests
{
    [Fact]
    public void However_output_is_cut_into_reads_each_of_the_two_outputs_says_the_same()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var (pieces, all) = (new OutputPieces(), new MemoryStream());
            var said = new[] { new StringBuilder(), new StringBuilder() };
            for (var i = random.Next(12); i > 0; i--)
            {
                var error = random.Next(2) == 1;
                var text = string.Concat(
                    Enumerable.Range(0, random.Next(9)).Select(_ => random.Next(4) switch { 0 => "a", 1 => "é", 2 => "…", _ => "😀" }));
                pieces.Add(error, Encoding.UTF8.GetByteCount(text));
                all.Write(Encoding.UTF8.GetBytes(text));
                said[error ? 1 : 0].Append(text);
            }

            var known = random.Next(2) == 0 ? pieces : OutputPieces.Parse(pieces.ToString());
            var bytes = all.ToArray();
            var read = new[] { new StringBuilder(), new StringBuilder() };
            for (var at = 0L; at < bytes.Length;)
            {
                var count = (int)Math.Min(random.Next(4, 20), bytes.Length - at);
                var chunks = known.Read(bytes.AsSpan((int)at, count), at, more: at + count < bytes.Length, out var next);
                foreach (var chunk in chunks)
                {
                    read[chunk.Error ? 1 : 0].Append(chunk.Text);
                }

                Assert.True(next > at, $"seed {seed}: no progress at {at} with {count} bytes");
                at = next;
            }

            Assert.True(said[0].ToString() == read[0].ToString() && said[1].ToString() == read[1].ToString(),
                $"seed {seed}, round {round}");
        }
    }

    [Fact]
    public void Bytes_that_are_no_text_and_pieces_that_are_not_known_are_still_shown()
    {
        var chunk = Assert.Single(OutputPieces.Parse("nonsense").Read([0x61, 0xFF, 0xE2, 0x80], 0, more: false, out var next));
        Assert.Equal(("a\uFFFD\uFFFD", false, 4L), (chunk.Text, chunk.Error, next));
        Assert.Empty(new OutputPieces().Read([0xE2, 0x80], 7, more: true, out next));
        Assert.Equal(7, next);
    }

    [Fact]
    public void Two_outputs_that_take_turns_without_end_are_kept_within_a_bound()
    {
        var pieces = new OutputPieces();
        for (var i = 0; i < 10 * OutputPieces.MostTurns; i++)
        {
            pieces.Add(i % 2 == 1, 1);
        }

        Assert.Equal(OutputPieces.MostTurns, pieces.ToString().Split(',').Length);
        Assert.Equal(10L * OutputPieces.MostTurns, pieces.ToString().Split(',').Sum(long.Parse));
    }
}
