using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace PocketCoder.Testing;

/// <summary>
/// Makes a browser's picture small: its most used colours, at most 64, every other as the nearest of them. For pictures of screens, which
/// have few. Reads what Chromium writes: PNG of 8 bits a channel, not interlaced, with or without alpha, which is dropped. Pure.
/// </summary>
public static class IndexedPng
{
    private const int MostColours = 64;
    private static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <exception cref="InvalidDataException">It is no such picture.</exception>
    public static byte[] From(ReadOnlySpan<byte> png)
    {
        var (width, height, pixels) = Pixels(png);
        var counts = new Dictionary<int, int>();
        foreach (var pixel in pixels)
        {
            counts[pixel] = counts.GetValueOrDefault(pixel) + 1;
        }

        int[] palette = [.. counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key).Take(MostColours).Select(c => c.Key)];
        var index = counts.Keys.ToDictionary(c => c, c => Nearest(palette, c));
        using var rows = new MemoryStream();
        using (var zip = new ZLibStream(rows, CompressionLevel.SmallestSize))
        {
            for (var y = 0; y < height; y++)
            {
                zip.WriteByte(0); // no filter
                for (var x = 0; x < width; x++)
                {
                    zip.WriteByte(index[pixels[(y * width) + x]]);
                }
            }
        }

        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 3);
        using var small = new MemoryStream();
        small.Write(Signature);
        Chunk(small, "IHDR", header);
        Chunk(small, "PLTE", [.. palette.SelectMany(c => (byte[])[(byte)(c >> 16), (byte)(c >> 8), (byte)c])]);
        Chunk(small, "IDAT", rows.ToArray());
        Chunk(small, "IEND", []);
        return small.ToArray();
    }

    /// <summary>Each pixel as 0xRRGGBB, row by row.</summary>
    public static (int Width, int Height, int[] Pixels) Pixels(ReadOnlySpan<byte> png)
    {
        if (!png.StartsWith(Signature))
        {
            throw new InvalidDataException("No PNG.");
        }

        using var zipped = new MemoryStream();
        var (width, height, channels, palette) = (0, 0, 0, (byte[])[]);
        for (var at = Signature.Length; at + 12 <= png.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(png[at..]);
            var data = png.Slice(at + 8, length);
            switch (Encoding.ASCII.GetString(png.Slice(at + 4, 4)))
            {
                case "IHDR":
                    (width, height) = (BinaryPrimitives.ReadInt32BigEndian(data), BinaryPrimitives.ReadInt32BigEndian(data[4..]));
                    channels = (data[8], data[9], data[12]) switch
                    {
                        (8, 2, 0) => 3,
                        (8, 6, 0) => 4,
                        (8, 3, 0) => 1,
                        _ => throw new InvalidDataException("A kind of PNG that is not read."),
                    };
                    break;
                case "PLTE":
                    palette = data.ToArray();
                    break;
                case "IDAT":
                    zipped.Write(data);
                    break;
            }

            at += length + 12;
        }

        zipped.Position = 0;
        using var plain = new ZLibStream(zipped, CompressionMode.Decompress);
        var pixels = new int[width * height];
        var (row, before) = (new byte[width * channels], new byte[width * channels]);
        for (var y = 0; y < height; y++)
        {
            var filter = plain.ReadByte();
            plain.ReadExactly(row);
            Unfilter(filter, row, before, channels);
            for (var x = 0; x < width; x++)
            {
                var from = x * channels;
                var colour = channels == 1 ? palette.AsSpan(row[from] * 3, 3) : row.AsSpan(from, 3);
                pixels[(y * width) + x] = (colour[0] << 16) | (colour[1] << 8) | colour[2];
            }

            (row, before) = (before, row);
        }

        return (width, height, pixels);
    }

    private static void Unfilter(int filter, byte[] row, byte[] before, int step)
    {
        for (var i = 0; i < row.Length; i++)
        {
            var (left, up, corner) = (i < step ? 0 : row[i - step], (int)before[i], i < step ? 0 : before[i - step]);
            row[i] += (byte)(filter switch
            {
                0 => 0,
                1 => left,
                2 => up,
                3 => (left + up) / 2,
                4 => Paeth(left, up, corner),
                _ => throw new InvalidDataException("No such filter."),
            });
        }
    }

    private static int Paeth(int left, int up, int corner)
    {
        var guess = left + up - corner;
        var (a, b, c) = (Math.Abs(guess - left), Math.Abs(guess - up), Math.Abs(guess - corner));
        return a <= b && a <= c ? left : b <= c ? up : corner;
    }

    private static byte Nearest(int[] palette, int colour)
    {
        var (best, at) = (int.MaxValue, 0);
        for (var i = 0; i < palette.Length; i++)
        {
            var far = Square(palette[i], colour, 16) + Square(palette[i], colour, 8) + Square(palette[i], colour, 0);
            (best, at) = far < best ? (far, i) : (best, at);
        }

        return (byte)at;
    }

    private static int Square(int one, int other, int shift)
    {
        var apart = ((one >> shift) & 255) - ((other >> shift) & 255);
        return apart * apart;
    }

    private static void Chunk(MemoryStream into, string kind, byte[] data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        into.Write(number);
        byte[] all = [.. Encoding.ASCII.GetBytes(kind), .. data];
        into.Write(all);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(all));
        into.Write(number);
    }

    private static uint Crc(byte[] data)
    {
        var crc = uint.MaxValue;
        foreach (var one in data)
        {
            crc ^= one;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320;
            }
        }

        return ~crc;
    }
}
