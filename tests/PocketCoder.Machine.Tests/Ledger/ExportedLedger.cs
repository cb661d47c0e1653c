using System.Buffers.Text;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Channels;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Ledger;

/// <summary>
/// An export of a machine's ledger in the hands of somebody who has that machine's key: every row can be written and signed anew.
/// </summary>
internal sealed class ExportedLedger
{
    private readonly ChannelIdentity _machine;
    private readonly string _header;
    private readonly string _epoch;

    private ExportedLedger(ChannelIdentity machine, string[] lines)
    {
        (_machine, _header) = (machine, lines[0]);
        _epoch = (string)JsonNode.Parse(lines[0])!["ledgerEpoch"]!;
        Lines = lines;
        Bodies = [.. lines[1..^1].Select(l => (string)JsonNode.Parse(l)!["body"]!)];
    }

    public IReadOnlyList<string> Lines { get; }

    /// <summary>The rows' exact texts, from row 1.</summary>
    public IReadOnlyList<string> Bodies { get; }

    public static async Task<ExportedLedger> OfAsync(TestDaemon daemon)
    {
        using var output = new MemoryStream();
        await daemon.Daemon.AsOwner().ExportLedgerAsync(output, CancellationToken.None);
        return new ExportedLedger(ChannelIdentity.LoadOrCreate(daemon.Options.Home.MachineKey),
            Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>The export with another body in one row; that row, those above and the head are signed anew.</summary>
    public string With(long seq, string body) => With(new Dictionary<long, string> { [seq] = body });

    /// <summary>The same for several rows at once.</summary>
    public string With(IReadOnlyDictionary<long, string> bodies)
    {
        var first = (int)bodies.Keys.Min();
        var text = new StringBuilder().Append(_header).Append('\n');
        foreach (var line in Lines.Skip(1).Take(first - 1))
        {
            text.Append(line).Append('\n');
        }

        var hash = first == 1 ? new byte[32] : Convert.FromHexString((string)JsonNode.Parse(Lines[first - 1])!["hash"]!);
        for (var at = first; at <= Bodies.Count; at++)
        {
            var unsigned = Unsigned(bodies.GetValueOrDefault(at) ?? Bodies[at - 1]);
            var signed = $"{unsigned[..^1]},\"signature\":\"{Sign("pocketcoder-ledger-row-v1", at, Hex(hash), Hex(SHA256.HashData(Encoding.UTF8.GetBytes(unsigned))))}\"}}";
            hash = SHA256.HashData([.. hash, .. Encoding.UTF8.GetBytes(signed)]);
            text.Append(new JsonObject { ["seq"] = at, ["hash"] = Hex(hash), ["body"] = signed }.ToJsonString()).Append('\n');
        }

        var head = Base64Url.EncodeToString(
            _machine.Sign("pocketcoder-ledger-head-v1", [_machine.Id, _epoch, Text(Bodies.Count), Hex(hash)]));
        return text.Append(
            $$$"""{"head":{"epoch":"{{{_epoch}}}","seq":{{{Bodies.Count}}},"hash":"{{{Hex(hash)}}}"},"signature":"{{{head}}}"}""")
            .Append('\n').ToString();
    }

    /// <summary>
    /// A whole ledger of these bodies, numbered and signed anew, as an export, and as rows of a database with their hashes.
    /// </summary>
    public (string Text, IReadOnlyList<(byte[] Hash, string Body)> Rows) Of(IReadOnlyList<JsonObject> bodies)
    {
        var text = new StringBuilder().Append(_header).Append('\n');
        var rows = new List<(byte[] Hash, string Body)>();
        var hash = new byte[32];
        foreach (var body in bodies)
        {
            var at = rows.Count + 1;
            body["seq"] = at;
            var unsigned = body.ToJsonString();
            var signed = $"{unsigned[..^1]},\"signature\":\"{Sign("pocketcoder-ledger-row-v1", at, Hex(hash), Hex(SHA256.HashData(Encoding.UTF8.GetBytes(unsigned))))}\"}}";
            hash = SHA256.HashData([.. hash, .. Encoding.UTF8.GetBytes(signed)]);
            rows.Add((hash, signed));
            text.Append(new JsonObject { ["seq"] = at, ["hash"] = Hex(hash), ["body"] = signed }.ToJsonString()).Append('\n');
        }

        var head = Base64Url.EncodeToString(
            _machine.Sign("pocketcoder-ledger-head-v1", [_machine.Id, _epoch, Text(rows.Count), Hex(hash)]));
        text.Append(
            $$$"""{"head":{"epoch":"{{{_epoch}}}","seq":{{{rows.Count}}},"hash":"{{{Hex(hash)}}}"},"signature":"{{{head}}}"}""").Append('\n');
        return (text.ToString(), rows);
    }

    /// <summary>The machine's signing key: the uncompressed point.</summary>
    public byte[] SigningKey => _machine.SigningPublicKey.ToArray();

    /// <summary>Verifies texts, each in a file of its own that is gone afterwards.</summary>
    public static async Task<IReadOnlyList<JsonNode>> VerifyTextsAsync(IReadOnlyList<string> texts)
    {
        var folder = Directory.CreateTempSubdirectory("pc-proof-");
        try
        {
            var files = new List<string>();
            foreach (var text in texts)
            {
                files.Add(Path.Combine(folder.FullName, $"{files.Count}.ndjson"));
                await File.WriteAllTextAsync(files[^1], text);
            }

            return await VerifyAsync(files);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Runs the stand-alone verifier over files; its reports, in order.</summary>
    private static async Task<IReadOnlyList<JsonNode>> VerifyAsync(IReadOnlyList<string> files)
    {
        var start = new ProcessStartInfo
        { FileName = "node", UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[Repository.PathOf("docs/verify-ledger.mjs"), "--json", .. files])
        {
            start.ArgumentList.Add(argument);
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        Assert.Equal("", await errors);
        return [.. (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!)];
    }

    /// <summary>A body without the machine's signature.</summary>
    public static string Unsigned(string body) => body.LastIndexOf(",\"signature\":\"", StringComparison.Ordinal) is var at and > 0
        && body.Length - at == 102 ? body[..at] + "}" : body;

    private string Sign(string domain, long seq, params string[] rest)
        => Base64Url.EncodeToString(_machine.Sign(domain, [_machine.Id, Text(seq), .. rest]));

    private static string Text(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
