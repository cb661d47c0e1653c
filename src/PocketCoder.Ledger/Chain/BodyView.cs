using System.Text.Json;

namespace PocketCoder.Ledger;

/// <summary>The fields of a stored body that lookups and rules need. Like every JSON reader, the last of two equal names counts.</summary>
internal record struct BodyView
{
    public int Version;
    public long Seq;
    public string? Kind;
    public string? MachineId;
    public string? SessionId;
    public string? ApprovalId;
    public string? Digest;
    public string? LedgerEpoch;
    public string? Decision;
    public string? Scope;
    public string? Grant;

    /// <summary>False when the text is not a JSON object with fields of the right types.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, out BodyView view)
    {
        view = default;
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 80 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                view.ReadField(ref reader);
            }

            return reader.TokenType == JsonTokenType.EndObject && !reader.Read() && view.Kind is not null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }

    /// <summary>Reads the fields of an entry's data object alone.</summary>
    public static BodyView ReadData(ReadOnlySpan<byte> data)
    {
        var view = default(BodyView);
        if (data.IsEmpty)
        {
            return view;
        }

        var reader = new Utf8JsonReader(data, new JsonReaderOptions { MaxDepth = 80 });
        reader.Read();
        view.ReadData(ref reader);
        return view;
    }

    private void ReadField(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("v"u8))
        {
            reader.Read();
            Version = reader.GetInt32();
        }
        else if (reader.ValueTextEquals("seq"u8))
        {
            reader.Read();
            Seq = reader.GetInt64();
        }
        else if (reader.ValueTextEquals("data"u8))
        {
            reader.Read();
            ReadData(ref reader);
        }
        else if (reader.ValueTextEquals("kind"u8))
        {
            Kind = Text(ref reader);
        }
        else if (reader.ValueTextEquals("machineId"u8))
        {
            MachineId = Text(ref reader);
        }
        else if (reader.ValueTextEquals("sessionId"u8))
        {
            SessionId = Text(ref reader);
        }
        else if (reader.ValueTextEquals("approvalId"u8))
        {
            ApprovalId = Text(ref reader);
        }
        else if (reader.ValueTextEquals("digest"u8))
        {
            Digest = Text(ref reader);
        }
        else
        {
            reader.Skip();
        }
    }

    private void ReadData(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new FormatException();
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("ledgerEpoch"u8))
            {
                LedgerEpoch = TextOrSkip(ref reader);
            }
            else if (reader.ValueTextEquals("decision"u8))
            {
                Decision = TextOrSkip(ref reader);
            }
            else if (reader.ValueTextEquals("scope"u8))
            {
                Scope = TextOrSkip(ref reader);
            }
            else if (reader.ValueTextEquals("grant"u8))
            {
                Grant = TextOrSkip(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static string? Text(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString();
    }

    /// <summary>The data of other kinds is theirs: the same name may hold anything.</summary>
    private static string? TextOrSkip(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.GetString();
        }

        reader.Skip();
        return null;
    }
}
