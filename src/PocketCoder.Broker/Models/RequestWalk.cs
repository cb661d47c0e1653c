using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace PocketCoder.Broker.Models;

/// <summary>Where in a request a check is, and what it has seen. One request's; not thread-safe.</summary>
/// <param name="snakeCase">Names may be spelled <c>like_this</c> for <c>likeThis</c>.</param>
internal sealed class RequestWalk(bool snakeCase)
{
    private const int ShownName = 60;
    private const int ShownSteps = 16;
    private const int MinMedia = 1024;
    private readonly List<object> _path = []; // names and indexes

    public bool SnakeCase => snakeCase;

    /// <summary>Bytes of pictures, documents and sound as the request has them.</summary>
    public long MediaBytes { get; private set; }

    /// <summary>
    /// What they cost about: a picture has a few thousand tokens whatever its bytes (at most 4,784 with Anthropic, 2026), a page of a PDF
    /// about 3,000.
    /// </summary>
    public long MediaTokens { get; private set; }

    /// <param name="raw">Base64 or a <c>data:</c> URL.</param>
    public void AddMedia(ReadOnlySpan<byte> raw)
    {
        MediaBytes += raw.Length;
        MediaTokens += raw[..Math.Min(raw.Length, 64)].IndexOf("JVBERi0"u8) >= 0 ? 3_000 + (raw.Length / 40) : 2_000 + (raw.Length / 1_000);
    }

    /// <summary>For a request of any form: long base64 where the dialects have it.</summary>
    public void FindMedia(JsonElement value, string name = "")
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    FindMedia(member.Value, member.Name);
                }

                break;
            case JsonValueKind.Array:
                foreach (var element in value.EnumerateArray())
                {
                    FindMedia(element, name);
                }

                break;
            case JsonValueKind.String when name is "data" or "file_data" or "image_url" or "url":
                var raw = JsonMarshal.GetRawUtf8Value(value);
                if (raw.Length > MinMedia && !raw.ContainsAny((byte)' ', (byte)'\\'))
                {
                    AddMedia(raw);
                }

                break;
        }
    }

    public Step Into(object nameOrIndex)
    {
        _path.Add(nameOrIndex);
        return new Step(_path);
    }

    public RequestShapeException Refused() => new(Words());

    /// <summary>The name that shapes know.</summary>
    public string NameOf(string given)
    {
        if (!snakeCase || !given.Contains('_', StringComparison.Ordinal))
        {
            return given;
        }

        var text = new StringBuilder(given.Length);
        for (var i = 0; i < given.Length; i++)
        {
            text.Append(given[i] == '_' && i > 0 && i + 1 < given.Length
                && char.IsAsciiLetterLower(given[i + 1]) ? char.ToUpperInvariant(given[++i]) : given[i]);
        }

        return text.ToString();
    }

    /// <summary>Names come from the request: only harmless characters of them are shown, and not too many.</summary>
    private string Words()
    {
        var text = new StringBuilder();
        foreach (var step in _path.TakeLast(ShownSteps))
        {
            if (step is string name)
            {
                var shown = new string(
                    [.. name.Take(ShownName).Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '$' or '.' ? c : '?')]);
                text.Append(text.Length == 0 ? "" : ".").Append(shown).Append(name.Length > ShownName ? "…" : "");
            }
            else
            {
                text.Append('[').Append(step).Append(']');
            }
        }

        return text.ToString();
    }

    /// <summary>Leaves what was entered.</summary>
    internal readonly struct Step(List<object> path) : IDisposable
    {
        public void Dispose() => path.RemoveAt(path.Count - 1);
    }
}
