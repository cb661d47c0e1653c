using System.Security.Cryptography;
using System.Text;
using PocketCoder.Agents;

namespace PocketCoder.Machine.Sessions.Watching;

/// <summary>
/// Counts how often the same tool was called with the same input and gave the same result, one time right after the other. Holds digests
/// only. Not thread-safe.
/// </summary>
internal sealed class Repeats
{
    private readonly Dictionary<string, (string Call, string Title)> _open = new(StringComparer.Ordinal);
    private string? _last;
    private int _count;

    /// <summary>The call that repeats, for people.</summary>
    public string Title { get; private set; } = "";

    public void Clear()
    {
        _open.Clear();
        Restart();
    }

    /// <summary>Counts from nothing again.</summary>
    public void Restart() => (_last, _count) = (null, 0);

    public void Called(AgentToolUse use)
        // sub-agents may each do the same once
        => _open[use.ToolUseId] =
            (Digest(use.ParentToolUseId ?? "", use.Name, use.InputJson), $"{use.Name}: {ShortText.OneLine(use.Title)}");

    /// <returns>How often in a row by now, at least 1.</returns>
    public int Ended(AgentToolResult result)
    {
        if (!_open.Remove(result.ToolUseId, out var call))
        {
            return 1; // never announced: nothing to compare
        }

        var whole = Digest(call.Call, result.IsError ? "failed" : "", result.Output);
        (_count, _last, Title) = (whole == _last ? _count + 1 : 1, whole, call.Title);
        return _count;
    }

    private static string Digest(params ReadOnlySpan<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            hash.AppendData(BitConverter.GetBytes(bytes.Length)); // so that no two sets of parts run together alike
            hash.AppendData(bytes);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
