using System.Security.Cryptography;
using PocketCoder.Machine.Guard;

namespace PocketCoder.Machine.Tests.Guard;

/// <summary>What is kept while something runs survives a power cut at any moment of writing it.</summary>
public sealed class SlotFileTests : IDisposable
{
    private const int Sector = 512;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pc-slots-");
    private readonly Random _random = new(5);

    private string Place => Path.Combine(_folder.FullName, "kept");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_was_written_last_is_read_at_any_length_until_it_is_cleared()
    {
        Assert.Null(SlotFile.Read(Place));
        for (var i = 0; i < 200; i++)
        {
            var value = Value(_random.Next(4) == 0 ? 60_000 : 2_000);
            SlotFile.Write(Place, value);
            Assert.Equal(value, SlotFile.Read(Place));
            if (_random.Next(3) == 0)
            {
                SlotFile.Clear(Place);
                Assert.Null(SlotFile.Read(Place));
                Assert.DoesNotContain(File.ReadAllBytes(Place), b => b != 0); // nothing of it stays
            }
        }
    }

    [Fact]
    public void A_write_that_a_power_cut_tears_leaves_the_value_before_it_or_is_there_whole()
    {
        var torn = 0;
        for (var i = 0; i < 300; i++)
        {
            var (older, newer) = (Value(8_000), Value(8_000));
            SlotFile.Write(Place, older);
            var before = File.ReadAllBytes(Place);
            SlotFile.Write(Place, newer);
            var after = File.ReadAllBytes(Place);

            // Which of the changed sectors reached the disk is anybody's guess.
            for (var at = 0; at < after.Length; at += Sector)
            {
                var sector = after.AsSpan(at, Math.Min(Sector, after.Length - at));
                if (_random.Next(3) == 0)
                {
                    before.AsSpan(at, sector.Length).CopyTo(sector);
                }
            }

            File.WriteAllBytes(Place, after);
            var read = SlotFile.Read(Place);
            Assert.True(read is not null && (read.AsSpan().SequenceEqual(older) || read.AsSpan().SequenceEqual(newer)), $"round {i}");
            torn += read.AsSpan().SequenceEqual(older) ? 1 : 0;
        }

        Assert.InRange(torn, 50, 299);
    }

    [Fact]
    public void A_write_after_clearing_that_a_power_cut_tears_leaves_nothing_or_a_value_that_was_written()
    {
        var (nothing, newest) = (0, 0);
        for (var i = 0; i < 300; i++)
        {
            File.Delete(Place);
            var (oldest, older, newer) = (Value(8_000), Value(8_000), Value(8_000));
            SlotFile.Write(Place, oldest);
            SlotFile.Write(Place, older);
            var flushed = File.ReadAllBytes(Place);
            SlotFile.Clear(Place);
            SlotFile.Write(Place, newer);
            var after = File.ReadAllBytes(Place);

            // Clearing is not flushed either: the disk may have any sector as it was before, or with zeros, or as it is now.
            for (var at = 0; at < after.Length; at += Sector)
            {
                var sector = after.AsSpan(at, Math.Min(Sector, after.Length - at));
                if (_random.Next(4) == 0)
                {
                    flushed.AsSpan(at, sector.Length).CopyTo(sector);
                }
                else if (_random.Next(6) == 0)
                {
                    sector.Clear();
                }
            }

            File.WriteAllBytes(Place, after);
            var read = SlotFile.Read(Place);
            Assert.True(read is null || new[] { oldest, older, newer }.Any(v => read.AsSpan().SequenceEqual(v)), $"round {i}");
            nothing += read is null ? 1 : 0;
            newest += read.AsSpan().SequenceEqual(newer) ? 1 : 0;
        }

        Assert.InRange(nothing, 20, 299);
        Assert.InRange(newest, 20, 299);
    }

    [Fact]
    public void Other_bytes_are_no_value_and_are_written_over()
    {
        for (var i = 0; i < 500; i++)
        {
            File.WriteAllBytes(Place, RandomNumberGenerator.GetBytes(_random.Next(0, 500)));
            Assert.Null(SlotFile.Read(Place));
        }

        var value = Value(100);
        SlotFile.Write(Place, value);
        Assert.Equal(value, SlotFile.Read(Place));

        var all = File.ReadAllBytes(Place);
        for (var bit = 0; bit < 8 * (44 + value.Length); bit++)
        {
            var broken = all.ToArray();
            broken[bit / 8] ^= (byte)(1 << (bit % 8));
            File.WriteAllBytes(Place, broken);
            Assert.Null(SlotFile.Read(Place));
        }
    }

    private byte[] Value(int most)
    {
        var value = new byte[_random.Next(1, most)];
        _random.NextBytes(value);
        return value;
    }
}
