using System.Buffers;
using System.Text.Json;

namespace PocketCoder.Broker.Models;

/// <summary>
/// Reads the numbers out of an answer while it passes, line by line for event streams, as a whole for JSON. Changes and delays no byte,
/// keeps nothing but the line at hand, and parses only lines that may hold numbers.
/// </summary>
internal sealed class UsageTap(ModelDialect dialect, bool events)
{
    private const int MaxHeld = 4 << 20;
    private const long MaxTokens = 1_000_000_000; // more is in no answer, and would spoil every sum that it is in
    private readonly ArrayBufferWriter<byte> _held = new(4096);
    private bool _over;
    private long _input;
    private long _cacheRead;
    private long _cacheWrite;
    private long _output;
    private bool _final;
    private bool _hasInput;
    private bool _incredible;

    public string Model { get; private set; } = "";

    /// <summary>Final numbers came: an Anthropic stream has its first ones at its beginning.</summary>
    public bool IsCounted => _final && !_incredible;

    public bool HasInput => _hasInput && !_incredible;

    public TokenCount Tokens => dialect == ModelDialect.Anthropic
        ? new TokenCount(_input, _cacheRead, _cacheWrite, _output)
        // these dialects' input includes what came from the cache
        : new TokenCount(Math.Max(0, _input - _cacheRead), _cacheRead, 0, _output);

    public void Feed(ReadOnlySpan<byte> bytes)
    {
        if (!events)
        {
            Hold(bytes);
            return;
        }

        while (bytes.Length > 0)
        {
            var end = bytes.IndexOf((byte)'\n');
            if (end < 0)
            {
                Hold(bytes);
                return;
            }

            if (_held.WrittenCount == 0 && !_over)
            {
                Line(bytes[..end]);
            }
            else
            {
                Hold(bytes[..end]);
                if (!_over)
                {
                    Line(_held.WrittenSpan);
                }

                _held.ResetWrittenCount();
                _over = false;
            }

            bytes = bytes[(end + 1)..];
        }
    }

    public void End()
    {
        if (!_over && _held.WrittenCount > 0)
        {
            if (events)
            {
                Line(_held.WrittenSpan);
            }
            else
            {
                Whole(_held.WrittenSpan);
            }
        }

        _held.ResetWrittenCount();
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        if (_over || _held.WrittenCount + bytes.Length > MaxHeld)
        {
            _over = true;
            return;
        }

        _held.Write(bytes);
    }

    private void Line(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("data:"u8) && line.IndexOf("\"usage"u8) >= 0)
        {
            Parse(line[5..]);
        }
    }

    /// <summary>Gemini's stream without <c>alt=sse</c> is one array of answers.</summary>
    private void Whole(ReadOnlySpan<byte> json)
    {
        Parse(json);
    }

    private void Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            if (document.RootElement.ValueKind == JsonValueKind.Array)
            {
                foreach (var element in document.RootElement.EnumerateArray())
                {
                    Take(element);
                }
            }
            else
            {
                Take(document.RootElement);
            }
        }
        catch (JsonException)
        {
            // A cut answer, or text that only looks like numbers: the agent gets it as it is, and the usage says "not counted".
        }
    }

    private void Take(JsonElement answer)
    {
        if (answer.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        switch (dialect)
        {
            case ModelDialect.Anthropic:
                var start = Object(answer, "message");
                Anthropic(start ?? answer, final: start is null);
                break;
            case ModelDialect.Openai:
                Openai(Object(answer, "response") ?? answer);
                break;
            default:
                Gemini(answer);
                break;
        }
    }

    /// <summary>Cumulative: later numbers replace earlier ones.</summary>
    private void Anthropic(JsonElement message, bool final)
    {
        Model = Text(message, "model") ?? Model;
        if (Object(message, "usage") is not { } usage)
        {
            return;
        }

        _hasInput |= usage.TryGetProperty("input_tokens", out _);
        _input = Number(usage, "input_tokens") ?? _input;
        _cacheRead = Number(usage, "cache_read_input_tokens") ?? _cacheRead;
        _cacheWrite = Number(usage, "cache_creation_input_tokens") ?? _cacheWrite;
        _output = Number(usage, "output_tokens") ?? _output;
        _final |= final;
    }

    private void Openai(JsonElement answer)
    {
        Model = Text(answer, "model") ?? Model;
        if (Object(answer, "usage") is not { } usage)
        {
            return;
        }

        _input = Number(usage, "input_tokens") ?? Number(usage, "prompt_tokens") ?? _input;
        _output = Number(usage, "output_tokens") ?? Number(usage, "completion_tokens") ?? _output;
        _cacheRead = Details(usage, "input_tokens_details") ?? Details(usage, "prompt_tokens_details") ?? _cacheRead;
        _final = _hasInput = true;

        long? Details(JsonElement usage, string name)
            => Object(usage, name) is { } details ? Number(details, "cached_tokens") : null;
    }

    private void Gemini(JsonElement answer)
    {
        Model = Text(answer, "modelVersion") ?? Model;
        if (Object(answer, "usageMetadata") is not { } usage)
        {
            return;
        }

        _input = Number(usage, "promptTokenCount") ?? _input;
        _cacheRead = Number(usage, "cachedContentTokenCount") ?? _cacheRead;
        _output = (Number(usage, "candidatesTokenCount") ?? 0) + (Number(usage, "thoughtsTokenCount") ?? 0);
        _final = _hasInput = true;
    }

    private static JsonElement? Object(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : null;

    /// <summary>Null when there is none, or one that no answer can have: then the whole is an estimate.</summary>
    private long? Number(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.Number)
        {
            return null;
        }

        if (value.TryGetInt64(out var number) && number is >= 0 and <= MaxTokens)
        {
            return number;
        }

        _incredible = true;
        return null;
    }

    private static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
