using System.Diagnostics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using PocketCoder.Feishu.LongConnections;

namespace PocketCoder.Feishu.Tests.LongConnections;

public sealed class FrameCodecTests
{
    private const string PingVector = "08001000 18f6818010 2000 2a0c 0a0474797065 120470696e67";

    private const string EventVector = "0807 10ac02 1801 2001 2a0d 0a0474797065 12056576656e74 2a10 0a0a6d6573736167655f6964 12026d31"
        + "2a08 0a0373756d 120131 2a08 0a03736571 120130 2a0e 0a0874726163655f6964 12027431 4210 7b22736368656d61223a22322e30227d";

    private static readonly TimeSpan s_budget = TimeSpan.FromSeconds(3);

    [Fact]
    public void The_ping_is_the_bytes_that_the_platform_gets_from_its_own_clients()
    {
        Assert.Equal(Bytes(PingVector), FrameCodec.Write(Frame.Ping(33554678)));
        var read = FrameCodec.Read(Bytes(PingVector));
        Assert.Equal((33554678, Frame.Control, "ping"), (read.Service, read.Method, read["type"]));
        Assert.Null(read.Payload);
    }

    [Fact]
    public void An_event_is_read_and_written_byte_by_byte()
    {
        var read = FrameCodec.Read(Bytes(EventVector));
        Assert.Equal((7UL, 300UL, 1, Frame.Data), (read.SeqId, read.LogId, read.Service, read.Method));
        Assert.Equal(["type", "message_id", "sum", "seq", "trace_id"], read.Headers.Select(h => h.Key));
        Assert.Equal("{\"schema\":\"2.0\"}", Encoding.UTF8.GetString(read.Payload!.Value.Span));
        Assert.Equal(Bytes(EventVector), FrameCodec.Write(read));
    }

    [Fact]
    public void A_negative_number_has_ten_bytes()
    {
        var bytes = FrameCodec.Write(new Frame { Service = -1, Method = Frame.Data });
        Assert.Equal(Bytes("0800 1000 18ffffffffffffffffff01 2001"), bytes);
        Assert.Equal(-1, FrameCodec.Read(bytes).Service);
    }

    [Fact]
    public void Fields_that_are_not_known_are_left_out()
        => Assert.Equal(
            5, FrameCodec.Read(Bytes("5001 0800 1000 1805 2001 5903000000 00000000 6202aabb 6d01020304 2a08 0a0161 120162 1801")).Service);

    [Fact]
    public void Empty_is_not_missing()
    {
        var read = FrameCodec.Read(FrameCodec.Write(new Frame { Payload = ReadOnlyMemory<byte>.Empty, LogIdNew = "", PayloadType = "t" }));
        Assert.Equal((0, "", "t", null), (read.Payload!.Value.Length, read.LogIdNew, read.PayloadType, read.PayloadEncoding));
    }

    [Theory]
    [InlineData("", "field 1 is missing")]
    [InlineData("0800 1000 1800", "field 4 is missing")]
    [InlineData("0800 0800 1000 1800 2000", "stands twice")]
    [InlineData("0800 1000 1800 2000 3200 3200", "stands twice")]
    [InlineData("0a00 1000 1800 2000", "another kind")]
    [InlineData("0800 1000 1800 2000 4000", "another kind")]
    [InlineData("0b00", "another kind")]
    [InlineData("53", "another kind")]
    [InlineData("0000", "no field has that number")]
    [InlineData("08", "ends too early")]
    [InlineData("0880", "ends too early")]
    [InlineData("0800 1000 1800 2000 42ff01 00", "ends too early")]
    [InlineData("0800 1000 1800 2000 42ffffffffffffffff7f 00", "ends too early")]
    [InlineData("08ffffffffffffffffff02 1000 1800 2000", "too large")]
    [InlineData("08ffffffffffffffffffff01", "too large")]
    [InlineData("0800 1000 18ffffffff0f 2000", "too large")]
    [InlineData("0800 1000 1800 2000 2a03 0a0161", "field 2 is missing")]
    [InlineData("0800 1000 1800 2000 3202 c328", "no UTF-8")]
    [InlineData("0800 1000 1800 2000 5901", "ends too early")]
    public void What_is_no_frame_is_a_typed_error(string hex, string why)
    {
        var error = Assert.Throws<FeishuException>(() => FrameCodec.Read(Bytes(hex)));
        Assert.Equal(FeishuError.Malformed, error.Error);
        Assert.Contains(why, error.Message);
    }

    [Fact]
    public void Too_much_is_refused_in_both_directions()
    {
        var tooLong = new Frame { Payload = new byte[FrameCodec.LongestFrame] };
        Assert.Equal(FeishuError.TooLarge, Assert.Throws<FeishuException>(() => FrameCodec.Write(tooLong)).Error);
        Assert.Equal(
            FeishuError.TooLarge, Assert.Throws<FeishuException>(() => FrameCodec.Read(new byte[FrameCodec.LongestFrame + 1])).Error);
        var headers = Enumerable.Repeat(new FrameHeader("k", "v"), FrameCodec.MostHeaders + 1).ToList();
        Assert.Equal(FeishuError.TooLarge, Assert.Throws<FeishuException>(() => FrameCodec.Write(new Frame { Headers = headers })).Error);
        byte[] many = [.. Bytes("0800 1000 1800 2000"), .. headers.SelectMany(_ => Bytes("2a06 0a016b 120176"))];
        Assert.Equal(FeishuError.Malformed, Assert.Throws<FeishuException>(() => FrameCodec.Read(many)).Error);
        var text = new Frame { PayloadType = new string('a', FrameCodec.LongestText + 1) };
        Assert.Equal(FeishuError.TooLarge, Assert.Throws<FeishuException>(() => FrameCodec.Write(text)).Error);
        Assert.Equal(FeishuError.Invalid, Assert.Throws<FeishuException>(() => FrameCodec.Write(new Frame { PayloadType = "\ud800" })).Error);
    }

    [Fact]
    public void What_was_written_is_read_as_it_was()
        => Prop.ForAll(
            ArbMap.Default.ArbFor<(ulong SeqId, ulong LogId, int Service, int Method, (NonNull<string>, NonNull<string>)[] Headers,
                byte[]? Payload,
                string? Text)>(),
            some =>
            {
                var frame = new Frame
                {
                    SeqId = some.SeqId,
                    LogId = some.LogId,
                    Service = some.Service,
                    Method = some.Method,
                    Headers = [.. some.Headers.Take(FrameCodec.MostHeaders)
                        .Select(h => new FrameHeader(Whole(h.Item1.Get)!, Whole(h.Item2.Get)!))],
                    Payload = some.Payload is null ? default(ReadOnlyMemory<byte>?) : some.Payload,
                    PayloadEncoding = Whole(some.Text),
                    LogIdNew = Whole(some.Text),
                };
                Same(frame, FrameCodec.Read(FrameCodec.Write(frame)));
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void No_bytes_do_more_than_fail_with_a_typed_error()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        byte[][] good = [Bytes(PingVector), Bytes(EventVector)];
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < s_budget;)
        {
            var bytes = good[random.Next(good.Length)].ToList();
            for (var changes = random.Next(1, 6); changes > 0 && bytes.Count > 0; changes--)
            {
                var at = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0: bytes[at] = (byte)random.Next(256); break;
                    case 1: bytes.RemoveAt(at); break;
                    case 2: bytes.Insert(at, (byte)random.Next(256)); break;
                    default: bytes.RemoveRange(at, bytes.Count - at); break;
                }
            }

            byte[] changed = [.. bytes];
            try
            {
                // What is read is written and read again without a change.
                var read = FrameCodec.Read(changed);
                Same(read, FrameCodec.Read(FrameCodec.Write(read)));
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.True(e is FeishuException, $"seed {seed}: {Convert.ToHexString(changed)}: {e}");
            }
        }
    }

    private static void Same(Frame one, Frame other)
    {
        Assert.Equal(
            (one.SeqId, one.LogId, one.Service, one.Method, one.PayloadEncoding, one.PayloadType, one.LogIdNew),
            (other.SeqId, other.LogId, other.Service, other.Method, other.PayloadEncoding, other.PayloadType, other.LogIdNew));
        Assert.Equal(one.Headers, other.Headers);
        Assert.Equal(one.Payload?.ToArray(), other.Payload?.ToArray());
    }

    /// <summary>Without halves of surrogate pairs, which are no text.</summary>
    private static string? Whole(string? text) => text is null ? null : string.Concat(text.Where(c => !char.IsSurrogate(c)));

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
