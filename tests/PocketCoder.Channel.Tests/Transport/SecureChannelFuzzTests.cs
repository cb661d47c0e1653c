using System.Diagnostics;

namespace PocketCoder.Channels.Tests;

/// <summary>
/// A hostile middle: at a random point of a random conversation it bends, repeats, drops, swaps or invents a frame. The receiver has by
/// then got exactly the messages before that point, refuses with a typed error, and is poisoned; the sender is as it was.
/// </summary>
public sealed class SecureChannelFuzzTests
{
    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(4);

    [Fact]
    public void Whatever_the_middle_does_no_wrong_plaintext_comes_out()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_budget;)
        {
            var failure = Record.Exception(() => Round(random));
            Assert.True(failure is null, $"seed {seed}: {failure}");
        }
    }

    private static void Round(Random random)
    {
        using var ends = Ends.Connect(Ends.SmallFrames);
        var messages = Enumerable.Range(0, random.Next(1, 6)).Select(_ => Some(random, random.Next(150))).ToArray();
        var frames = messages.SelectMany(message => ends.Device.SealAll(message)).ToArray();
        var attackAt = random.Next(frames.Length);

        var got = new List<byte[]>();
        foreach (var frame in frames[..attackAt])
        {
            using var message = ends.Machine.Open(frame);
            if (message is not null)
            {
                got.Add(message.Span.ToArray());
            }
        }

        var (bad, allowed) = Attack(random, frames, attackAt, ends);
        var error = Record.Exception(() => ends.Machine.Open(bad));
        Assert.True(error is ChannelException typed && allowed.Contains(typed.Error), $"{Convert.ToHexString(bad)}: {error}");
        Assert.Equal(messages[..got.Count], got);

        // Poisoned for good, in both directions, also for the frame that was due.
        Assert.True(ends.Machine.IsPoisoned);
        ChannelTestExtensions.Fails(ChannelError.Poisoned, () => ends.Machine.Open(frames[attackAt]));
        ChannelTestExtensions.Fails(ChannelError.Poisoned, () => ends.Machine.Seal([]));

        // The other end is as it was.
        Assert.False(ends.Device.IsPoisoned);
        Assert.Equal((ulong)frames.Length, ends.Device.SendDirection.Counter);
        Assert.NotEmpty(ends.Device.SealAll("still works"u8));
    }

    private static (byte[] Frame, ChannelError[] Allowed) Attack(Random random, byte[][] frames, int due, Ends ends)
    {
        switch (random.Next(6))
        {
            case 0 when due > 0:
                return (frames[random.Next(due)], [ChannelError.Replayed]);
            case 1 when due < frames.Length - 1:
                return (frames[random.Next(due + 1, frames.Length)], [ChannelError.OutOfOrder]);
            case 2:
                var reflected = ends.Machine.SealAll("reflected"u8)[0];
                return (reflected, due == 0 ? [ChannelError.Corrupt] : [ChannelError.Replayed]);
            case 3:
                var swapped = frames[due].ToArray();
                frames[random.Next(frames.Length)].AsSpan(9).TryCopyTo(swapped.AsSpan(9));
                return swapped.AsSpan().SequenceEqual(frames[due]) ? Attack(random, frames, due, ends) : (swapped, [ChannelError.Corrupt]);
            case 4:
                var noise = Some(random, random.Next(80));
                return (noise, [ChannelError.Malformed, ChannelError.TooLarge, ChannelError.OutOfOrder, ChannelError.Corrupt,
                    ChannelError.Replayed]);
            default:
                return (
                    new FrameBender(random).Bend(frames[due], largest: 100),
                    [ChannelError.Malformed, ChannelError.TooLarge, ChannelError.Replayed, ChannelError.OutOfOrder, ChannelError.Corrupt]);
        }
    }

    private static byte[] Some(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
