using System.Text;
using PocketCoder.Feishu.LongConnections;
using PocketCoder.Testing;

namespace PocketCoder.Feishu.Tests.LongConnections;

public sealed class FragmentTests
{
    private readonly ManualTime _time = new();
    private readonly FragmentBuffer _buffer;

    public FragmentTests() => _buffer = new FragmentBuffer(_time);

    [Fact]
    public void Parts_in_any_order_become_one()
    {
        Assert.Null(_buffer.Add(Part("m", 3, 2, "c")));
        Assert.Null(_buffer.Add(Part("m", 3, 0, "a")));
        Assert.Null(_buffer.Add(Part("other", 2, 0, "x")));
        Assert.Null(_buffer.Add(Part("m", 3, 0, "again")));
        Assert.Equal("abc", Text(_buffer.Add(Part("m", 3, 1, "b"))));
        Assert.Equal("xy", Text(_buffer.Add(Part("other", 2, 1, "y"))));
        Assert.Equal((0, 0L), (_buffer.Waiting, _buffer.GivenUp));
    }

    [Fact]
    public void A_message_by_itself_needs_no_numbers()
    {
        Assert.Equal("whole", Text(_buffer.Add(new Frame { Payload = "whole"u8.ToArray() })));
        Assert.Equal("", Text(_buffer.Add(new Frame())));
        Assert.Equal("one", Text(_buffer.Add(Part("m", 1, 0, "one"))));
    }

    [Fact]
    public void Five_seconds_without_a_part_forget_a_message_and_each_part_begins_them_anew()
    {
        _buffer.Add(Part("m", 3, 0, "a"));
        _time.Advance(TimeSpan.FromSeconds(4));
        _buffer.Add(Part("m", 3, 1, "b"));
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal("abc", Text(_buffer.Add(Part("m", 3, 2, "c"))));

        _buffer.Add(Part("n", 2, 0, "a"));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(_buffer.Add(Part("n", 2, 1, "b")));
        Assert.Equal((1, 1L), (_buffer.Waiting, _buffer.GivenUp));
    }

    [Theory]
    [InlineData("0", "0")]
    [InlineData("1001", "0")]
    [InlineData("2", "2")]
    [InlineData("2", "-1")]
    [InlineData("two", "0")]
    [InlineData("2", "0x1")]
    [InlineData("99999999999999999999", "0")]
    public void Numbers_that_can_not_be_right_are_a_typed_error(string sum, string seq)
    {
        var frame = new Frame { Headers = [new("message_id", "m"), new("sum", sum), new("seq", seq)] };
        Assert.Equal(FeishuError.Malformed, Assert.Throws<FeishuException>(() => _buffer.Add(frame)).Error);
        Assert.Equal(0, _buffer.Waiting);
    }

    [Fact]
    public void Parts_that_do_not_agree_or_have_no_name_are_refused()
    {
        _buffer.Add(Part("m", 3, 0, "a"));
        Assert.Throws<FeishuException>(() => _buffer.Add(Part("m", 4, 1, "b")));
        Assert.Throws<FeishuException>(() => _buffer.Add(new Frame { Headers = [new("sum", "2"), new("seq", "0")] }));
        Assert.Equal(0, _buffer.Waiting);
    }

    [Fact]
    public void When_full_the_one_that_waits_longest_goes()
    {
        for (var i = 0; i <= FragmentBuffer.MostMessages; i++)
        {
            _buffer.Add(Part($"m{i}", 2, 0, "a"));
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal((FragmentBuffer.MostMessages, 1L), (_buffer.Waiting, _buffer.GivenUp));
        Assert.Null(_buffer.Add(Part("m0", 2, 1, "b"))); // its first part is gone
        Assert.Equal("ab", Text(_buffer.Add(Part("m5", 2, 1, "b"))));
    }

    [Fact]
    public void Bytes_have_a_bound_for_one_and_for_all()
    {
        var quarter = new byte[FragmentBuffer.MostBytes / 4];
        for (var i = 0; i < 4; i++)
        {
            Assert.Null(_buffer.Add(Part("large", 6, i, quarter)));
        }

        Assert.Equal(FeishuError.TooLarge, Assert.Throws<FeishuException>(() => _buffer.Add(Part("large", 6, 4, [1]))).Error);
        for (var i = 0; i < 5; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            _buffer.Add(Part($"m{i}", 2, 0, quarter));
        }

        Assert.Equal((4, 2L), (_buffer.Waiting, _buffer.GivenUp));
    }

    private static string Text(ReadOnlyMemory<byte>? bytes) => Encoding.UTF8.GetString(bytes!.Value.Span);

    private static Frame Part(string id, int sum, int seq, string text) => Part(id, sum, seq, Encoding.UTF8.GetBytes(text));

    private static Frame Part(string id, int sum, int seq, byte[] bytes)
        => new() { Headers = [new("message_id", id), new("sum", $"{sum}"), new("seq", $"{seq}")], Payload = bytes };
}
