using System.Globalization;

namespace PocketCoder.Feishu.LongConnections;

/// <summary>
/// Joins the parts of messages that came in several frames. A message whose next part does not come within 5 s is forgotten, and so is the
/// one that waits longest when there are more than <see cref="MostMessages"/> or <see cref="MostBytes"/>: the platform sends again what was
/// not acknowledged. Not thread-safe: it belongs to the loop that reads.
/// </summary>
internal sealed class FragmentBuffer(TimeProvider time)
{
    /// <summary>The most parts of one message.</summary>
    public const int MostParts = 1000;

    public const int MostMessages = 32;

    /// <summary>The longest joined message, in bytes, and the most that all unfinished ones hold together.</summary>
    public const int MostBytes = 8 * 1024 * 1024;

    private const int LongestId = 256;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, Joining> _joining = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>Messages given up before they were complete.</summary>
    public long GivenUp { get; private set; }

    public int Waiting => _joining.Count;

    /// <summary>The whole payload when this frame is the last of its message, or is one by itself; null: parts are missing.</summary>
    /// <exception cref="FeishuException">Its numbers contradict themselves or the earlier parts; the message is forgotten.</exception>
    public ReadOnlyMemory<byte>? Add(Frame frame)
    {
        var sum = Number(frame, "sum") ?? 1;
        var part = Number(frame, "seq") ?? 0;
        if (sum is < 1 or > MostParts || part < 0 || part >= sum)
        {
            throw Wrong("the numbers of its parts can't be right");
        }

        if (sum == 1)
        {
            return frame.Payload ?? ReadOnlyMemory<byte>.Empty;
        }

        if (frame["message_id"] is not { Length: > 0 and <= LongestId } id)
        {
            throw Wrong("a part has no message id");
        }

        ForgetOld();
        if (!_joining.TryGetValue(id, out var joining))
        {
            MakeRoom(0);
            joining = _joining[id] = new Joining(new ReadOnlyMemory<byte>?[sum], time.GetTimestamp());
        }

        if (joining.Parts.Length != sum)
        {
            Forget(id);
            throw Wrong("its parts do not agree on their number");
        }

        joining.Seen = time.GetTimestamp();
        if (joining.Parts[part] is null) // the same part again changes nothing
        {
            var payload = frame.Payload ?? ReadOnlyMemory<byte>.Empty;
            if (joining.Bytes + payload.Length > MostBytes)
            {
                Forget(id);
                throw new FeishuException(FeishuError.TooLarge, $"A message of the long connection has more than {MostBytes} bytes.");
            }

            MakeRoom(payload.Length, id);
            joining.Parts[part] = payload;
            joining.Bytes += payload.Length;
            joining.Missing--;
            _bytes += payload.Length;
        }

        if (joining.Missing > 0)
        {
            return null;
        }

        _joining.Remove(id);
        _bytes -= joining.Bytes;
        var whole = new byte[joining.Bytes];
        var at = 0;
        foreach (var piece in joining.Parts)
        {
            piece!.Value.CopyTo(whole.AsMemory(at));
            at += piece.Value.Length;
        }

        return whole;
    }

    private static int? Number(Frame frame, string key)
        => frame[key] is not { Length: > 0 } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Wrong($"{key} is no number");

    private static FeishuException Wrong(string why) => new(FeishuError.Malformed, $"A message of the long connection can't be joined: {why}.");

    private void ForgetOld()
    {
        foreach (var id in _joining.Where(j => time.GetElapsedTime(j.Value.Seen) >= s_limit).Select(j => j.Key).ToList())
        {
            Forget(id);
        }
    }

    private void MakeRoom(int bytes, string? keep = null)
    {
        while ((keep is null && _joining.Count >= MostMessages) || _bytes + bytes > MostBytes)
        {
            Forget(_joining.Where(j => j.Key != keep).MinBy(j => j.Value.Seen).Key);
        }
    }

    private void Forget(string id)
    {
        if (_joining.Remove(id, out var joining))
        {
            _bytes -= joining.Bytes;
            GivenUp++;
        }
    }

    private sealed class Joining(ReadOnlyMemory<byte>?[] parts, long seen)
    {
        public ReadOnlyMemory<byte>?[] Parts { get; } = parts;

        public int Missing { get; set; } = parts.Length;

        public int Bytes { get; set; }

        public long Seen { get; set; } = seen;
    }
}
