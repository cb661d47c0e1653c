namespace PocketCoder.Channels.Tests;

/// <summary>Damages frames; what comes back always differs from what went in.</summary>
internal sealed class FrameBender(Random random)
{
    public byte[] Bend(byte[] good, int largest)
    {
        while (true)
        {
            var bent = Once(good, largest);
            if (!bent.AsSpan().SequenceEqual(good))
            {
                return bent;
            }
        }
    }

    private byte[] Once(byte[] good, int largest)
    {
        var frame = good.ToArray();
        switch (random.Next(7))
        {
            case 0:
                return frame[..random.Next(frame.Length)];
            case 1:
                return [.. frame, .. Some(random.Next(1, 40))];
            case 2:
                return [.. frame, .. Some(random.Next(1, largest))];
            case 3:
                frame[random.Next(frame.Length)] = (byte)random.Next(256);
                return frame;
            case 4:
                var at = random.Next(frame.Length);
                return [.. frame[..at], .. Some(random.Next(1, 4)), .. frame[at..]];
            case 5:
                var from = random.Next(frame.Length);
                Some(random.Next(1, frame.Length - from + 1)).CopyTo(frame, from);
                return frame;
            default:
                for (var bits = random.Next(1, 4); bits > 0; bits--)
                {
                    frame[random.Next(frame.Length)] ^= (byte)(1 << random.Next(8));
                }

                return frame;
        }
    }

    private byte[] Some(int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
