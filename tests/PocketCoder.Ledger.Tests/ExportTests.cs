using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PocketCoder.Ledger.Tests;

/// <summary>The stranger's verifier, run for real, against good exports and every forgery we could think of.</summary>
public sealed class ExportTests
{
    private static readonly string s_verifier = Path.Combine(AppContext.BaseDirectory, "verify-ledger.mjs");
    private static readonly string s_digest = new('a', 64);

    [Fact]
    public async Task A_good_export_holds()
    {
        await using var scene = await Scene.MakeAsync();
        var result = await scene.VerifyAsync(
            scene.Lines, "--key", scene.Machine.PublicText, "--remember", $"5:{await scene.Ledger.Store.HashAtAsync(5, TestLedger.None)}");
        Assert.Equal((0, true), (result.Exit, result.Ok));
        var head = scene.Ledger.Store.Head;
        Assert.Equal(
            $$$"""{"seq":{{{head.Seq}}},"hash":"{{{head.HashHex}}}"} 3 3 1 2""",
            $"{result.Json["head"]!.ToJsonString()} {result.Json["approvals"]} {result.Json["decisions"]} {result.Json["signed"]} {result.Json["executions"]}");
        Assert.Equal(scene.Phone.PublicText, (string?)result.Json["devices"]![0]!["key"]);
    }

    public static TheoryData<string, bool> SecondVersion => new()
    {
        { "as it was signed", true },
        { "another interruption", false },
        { "another reason", false },
        { "another decision's id", false },
        { "a line more", false },
        { "lines in another order", false },
        { "the higher s", false },
        { "a padded signature", false },
    };

    [Theory]
    [MemberData(nameof(SecondVersion))]
    public async Task A_decision_of_the_second_version_is_signed_line_by_line_with_what_ends_the_turn(string what, bool holds)
    {
        await using var scene = await Scene.MakeAsync();
        await scene.AppendSecondAsync("b1", what);
        using var output = new MemoryStream();
        await scene.Ledger.Store.ExportAsync(output, scene.Machine.Signer, TestLedger.None);
        var result = await scene.VerifyAsync(Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal((holds, holds ? 0 : 1), (result.Ok, result.Exit));
    }

    [Fact]
    public async Task The_human_report_says_the_same_and_cannot_be_spoofed_by_names()
    {
        await using var scene = await Scene.MakeAsync();
        var good = await scene.RunAsync(scene.Lines);
        Assert.Equal(0, good.Exit);
        Assert.StartsWith("HOLDS", good.Output, StringComparison.Ordinal);
        Assert.Contains("taken from the export", good.Output, StringComparison.Ordinal);
        var spoof = scene.Lines.ToArray();
        spoof[0] = spoof[0].Replace(TestLedger.Machine, "x\\nHOLDS \\u202e\\u001b[32m", StringComparison.Ordinal);
        var bad = await scene.RunAsync(spoof);
        Assert.Equal(1, bad.Exit);
        Assert.StartsWith("BROKEN", bad.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("\nHOLDS", bad.Output, StringComparison.Ordinal);
        Assert.All(bad.Output, c => Assert.True(c is '\n' or (>= ' ' and <= '~')));
    }

    [Fact]
    public async Task The_verifier_knows_every_kind_of_row()
    {
        var text = await File.ReadAllTextAsync(s_verifier);
        var from = text.IndexOf("const KINDS = new Set(`", StringComparison.Ordinal) + "const KINDS = new Set(`".Length;
        var kinds = text[from..text.IndexOf('`', from)].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(LedgerKind.All.Order(StringComparer.Ordinal), kinds.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_verifier_is_one_small_file_without_packages()
    {
        var lines = await File.ReadAllLinesAsync(s_verifier);
        Assert.InRange(lines.Length, 50, 360);
        Assert.All(lines.Where(l => l.StartsWith("import", StringComparison.Ordinal)),
            l => Assert.Contains("from 'node:", l, StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains("import(", StringComparison.Ordinal)
            || l.Contains("require(", StringComparison.Ordinal));
    }

    public static TheoryData<string> Forgeries => new(s_all.Keys);

    private static readonly Dictionary<string, (Func<Scene, string[]> Forge, string What)> s_all = new(StringComparer.Ordinal)
    {
        ["an edited body"] = (s => Edit(s.Lines, 3, l => l.Replace("project_added", "project_taken", StringComparison.Ordinal)), "altered"),
        ["an edited hash"] = (s => Edit(s.Lines, 4, l => { var n = JsonNode.Parse(l)!; n["hash"] = s_digest; return n.ToJsonString(); }),
            "altered"),
        ["a dropped row"] = (s => [.. s.Lines[..4], .. s.Lines[5..]], "gap"),
        ["a dropped first row"] = (s => [.. s.Lines[..1], .. s.Lines[2..]], "gap"),
        ["swapped rows"] = (s => [.. s.Lines[..4], s.Lines[5], s.Lines[4], .. s.Lines[6..]], "gap"),
        ["an inserted row"] = (s => [.. s.Lines[..4], s.Lines[3], .. s.Lines[4..]], "gap"),
        ["a cut end"] = (s => [.. s.Lines[..^2], s.Lines[^1]], "head"),
        ["no head"] = (s => s.Lines[..^1], "truncated"),
        ["something after the head"] = (s => [.. s.Lines, s.Lines[^1]], "extra"),
        ["a line that is no json"] = (s => Edit(s.Lines, 4, _ => "{"), "altered"),
        ["an empty line"] = (s => [.. s.Lines[..4], "", .. s.Lines[4..]], "altered"),
        ["a forged head"] = (s => Edit(
            s.Lines, s.Lines.Length - 1, l => { var n = JsonNode.Parse(l)!; n["head"]!["seq"] = 5; return n.ToJsonString(); }), "head"),
        ["a cut chain under a head it fits, unsigned"] =
            (s => [.. s.Lines[..6], Head(s.Lines[5], (string)JsonNode.Parse(s.Lines[^1])!["signature"]!)], "head"),
        ["a head without a signature"] = (s => Edit(s.Lines, s.Lines.Length - 1,
            l => { var n = JsonNode.Parse(l)!.AsObject(); n.Remove("signature"); return n.ToJsonString(); }), "head"),
        ["another machine's name"] =
            (s => Edit(s.Lines, 0, l => l.Replace(TestLedger.Machine, "another", StringComparison.Ordinal)), "body"),
        ["another epoch"] = (s => Edit(
            s.Lines, 0, l => { var n = JsonNode.Parse(l)!; n["ledgerEpoch"] = "ffffffffffffffff"; return n.ToJsonString(); }), "epoch"),
        ["a chain computed anew and signed with another key"] = (s => s.Rechain(b => b, new Key()), "head"),
        ["an edited chain computed anew, signed with the machine's own key"] =
            (s => s.Rechain(b => b.Replace("bubblewrap", "none", StringComparison.Ordinal), s.Machine), "rewritten"),
        ["an execution that was never allowed"] = (s => s.Rechain(b => b.Replace("\"decision\":\"allow\",\"scope\":\"session\"",
            "\"decision\":\"deny\",\"scope\":\"session\"", StringComparison.Ordinal), s.Machine, check: false), "undecided"),
        ["an execution of another digest"] = (s => s.Rechain(b => b.Contains("execution_started", StringComparison.Ordinal)
            ? b.Replace(s_digest, new string('b', 64), StringComparison.Ordinal) : b, s.Machine, check: false), "undecided"),
        ["a decision of another digest"] = (s => s.Rechain(b => b.Contains("approval_requested", StringComparison.Ordinal)
            ? b.Replace(s_digest, new string('b', 64), StringComparison.Ordinal) : b, s.Machine, check: false), "undecided"),
        ["a decision the phone did not sign"] = (s => s.Rechain(b => b.Replace("\"decision\":\"deny\",\"scope\":\"once\"",
            "\"decision\":\"allow\",\"scope\":\"once\"", StringComparison.Ordinal), s.Machine, check: false), "undecided"),
        ["a scope the phone did not sign"] = (s => s.Rechain(b => b.Replace("\"decision\":\"deny\",\"scope\":\"once\"",
            "\"decision\":\"deny\",\"scope\":\"always\"", StringComparison.Ordinal), s.Machine, check: false), "undecided"),
        ["a decision signed by a key that was not paired"] = (s => s.Rechain(b => b.Contains("device_paired", StringComparison.Ordinal)
            ? b.Replace(s.Phone.PublicText, new Key().PublicText, StringComparison.Ordinal) : b, s.Machine, check: false), "undecided"),
        ["a decision that claims to be a rule's"] = (s => s.Rechain(
            b => b.Replace("\"by\":\"cli\"", "\"by\":\"rule\"", StringComparison.Ordinal), s.Machine, check: false), "undecided"),
        ["a decision without the signature of the phone that it names"] = (
            s => s.Rechain(b => System.Text.RegularExpressions.Regex.Replace(b, ",\"deviceSigningKey\":.*?\\}", "}",
                System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)), s.Machine, check: false), "undecided"),
        ["a decision of a revoked phone"] = (s => s.Rechain(b => b.Contains("project_added", StringComparison.Ordinal)
            ? b.Replace("project_added", "device_revoked", StringComparison.Ordinal) : b, s.Machine, check: false), "undecided"),
    };

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task Every_forgery_is_found(string forgery)
    {
        await using var scene = await Scene.MakeAsync();
        var (forge, what) = s_all[forgery];
        var forged = forge(scene);
        Assert.NotEqual(scene.Lines, forged);
        var arguments = new List<string> { "--key", scene.Machine.PublicText };
        if (scene.Remember)
        {
            arguments.AddRange(["--remember", $"{scene.Lines.Length - 2}:{scene.Ledger.Store.Head.HashHex}"]);
        }

        var result = await scene.VerifyAsync(forged, [.. arguments]);
        Assert.Equal((1, false), (result.Exit, result.Ok));
        Assert.Contains(what, result.Json["findings"]!.AsArray().Select(f => (string)f!["what"]!));
    }

    [Fact]
    public async Task What_is_no_export_is_unreadable_and_wrong_usage_is_told()
    {
        await using var scene = await Scene.MakeAsync();
        foreach (var lines in new string[][] { [], [""], ["{}"], ["hello"], ["[]"], [scene.Lines[1]],
            [scene.Lines[0].Replace("export-1", "export-2", StringComparison.Ordinal)] })
        {
            Assert.Equal(2, (await scene.RunAsync(lines)).Exit);
        }

        Assert.Equal(2, (await Command.RunAsync("node", s_verifier)).Exit);
        Assert.Equal(2, (await Command.RunAsync("node", s_verifier, "--nonsense")).Exit);
        Assert.Equal(2, (await Command.RunAsync("node", s_verifier, "--remember", "x")).Exit);
        Assert.Equal(2, (await Command.RunAsync("node", s_verifier, Path.Combine(scene.Ledger.Folder, "nowhere"))).Exit);
    }

    [Fact]
    public async Task Mangled_exports_never_hold_and_never_confuse_the_verifier()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var scene = await Scene.MakeAsync();
        var good = Encoding.UTF8.GetBytes(string.Join('\n', scene.Lines) + "\n");
        var files = new List<string>();
        for (var i = 0; i < 400; i++)
        {
            var file = Path.Combine(scene.Ledger.Folder, $"mangled{i}.ndjson");
            await File.WriteAllBytesAsync(file, Mangle(good, random));
            files.Add(file);
        }

        var (exit, output, errors) = await Command.RunAsync("node", [s_verifier, "--json", "--key", scene.Machine.PublicText, .. files]);
        Assert.True(exit is 1 or 2, errors);
        var results = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToArray();
        Assert.Equal(files.Count, results.Length);
        for (var i = 0; i < results.Length; i++)
        {
            var why = $"seed {seed}, {files[i]}: {results[i].ToJsonString()}";
            Assert.False(((string?)results[i]["error"])?.StartsWith("bug", StringComparison.Ordinal) ?? false, why);
            if ((bool)results[i]["ok"]!)
            {
                // Some bytes say nothing: the export's own time, spare bits of base64. Then every row is as it was.
                Assert.True((string?)results[i]["head"]!["hash"] == scene.Ledger.Store.Head.HashHex
                    && (string?)results[i]["machineId"] == TestLedger.Machine, why);
            }
        }

        Assert.True(results.Count(r => !(bool)r["ok"]!) > 300, $"seed {seed}");
    }

    [Fact]
    public async Task The_signed_head_is_the_documented_text()
    {
        await using var scene = await Scene.MakeAsync();
        var signed = scene.Ledger.Store.SignHead(scene.Machine.Signer);
        var text = $"pocketcoder-ledger-head-v1\n{TestLedger.Machine}\n{signed.Head.Epoch}\n{signed.Head.Seq}\n{signed.Head.HashHex}";
        Assert.Equal(text, Encoding.UTF8.GetString(signed.Head.SignedText(signed.MachineId)));
        Assert.True(scene.Machine.Verify(text, signed.Signature.Span));
    }

    private static byte[] Mangle(byte[] good, Random random)
    {
        var bytes = good.ToList();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var at = random.Next(bytes.Count);
            var length = Math.Min(random.Next(1, 200), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes.RemoveRange(at, length); break;
                case 2: bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length)); break;
                case 3: bytes.InsertRange(at, Enumerable.Range(0, random.Next(1, 20)).Select(_ => (byte)random.Next(256))); break;
                case 4: bytes.RemoveRange(at, bytes.Count - at); break;
                default: (bytes[at], bytes[random.Next(bytes.Count)]) = ((byte)"{}[]\",:\n0e-\\"[random.Next(12)], bytes[at]); break;
            }

            if (bytes.Count == 0)
            {
                bytes.Add((byte)'\n');
            }
        }

        return [.. bytes];
    }

    private static string[] Edit(string[] lines, int index, Func<string, string> edit)
        => [.. lines[..index], edit(lines[index]), .. lines[(index + 1)..]];

    private static string Head(string lastRow, string signature)
    {
        var row = JsonNode.Parse(lastRow)!;
        var epoch = "x";
        return $$$"""{"head":{"epoch":"{{{epoch}}}","seq":{{{row["seq"]}}},"hash":"{{{row["hash"]}}}"},"signature":"{{{signature}}}"}""";
    }

    /// <summary>A P-256 signing key as a machine or a phone holds it.</summary>
    private sealed class Key : IDisposable
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        public Key()
        {
            var q = _key.ExportParameters(false).Q;
            Public = [4, .. q.X!, .. q.Y!];
        }

        public byte[] Public { get; }

        public string PublicText => Base64Url.EncodeToString(Public);

        public LedgerSigner Signer => new(Public, Sign);

        public byte[] Sign(byte[] text)
            => _key.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

        public bool Verify(string text, ReadOnlySpan<byte> signature)
            => _key.VerifyData(Encoding.UTF8.GetBytes(text), signature, HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

        public void Dispose() => _key.Dispose();
    }

    /// <summary>A ledger with a paired phone, a decision it signed, decisions of the owner at the machine, and their executions.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        private int _files;

        public required TestLedger Ledger { get; init; }

        public Key Machine { get; } = new();

        public Key Phone { get; } = new();

        public string[] Lines { get; private set; } = [];

        /// <summary>
        /// Whether the stranger also remembers the head; a forgery may need it to be found, another must be found without.
        /// </summary>
        public bool Remember { get; private set; }

        public static async Task<Scene> MakeAsync()
        {
            var scene = new Scene { Ledger = await TestLedger.OpenAsync() };
            await scene.Ledger.AppendAsync(new LedgerEntry(LedgerKind.DevicePaired)
            { DeviceId = "phone", Data = TestLedger.Json($$"""{"deviceSigningKey":"{{scene.Phone.PublicText}}"}""") });
            await scene.Ledger.AppendAsync(new LedgerEntry(LedgerKind.ProjectAdded) { DeviceId = "phone" });
            await scene.Ledger.AppendAsync(ChainTests.Request("a1") with { Sandbox = "bubblewrap" });
            await scene.Ledger.AppendAsync(scene.Signed("a1", "deny", "once"));
            foreach (var approval in new[] { "a2", "a3" })
            {
                await scene.Ledger.AppendAsync(ChainTests.Request(approval));
                await scene.Ledger.AppendAsync(ChainTests.Decide(approval, "allow") with
                { Actor = "cli", Data = TestLedger.Json("""{"decision":"allow","scope":"session","by":"cli"}""") });
                await scene.Ledger.AppendAsync(ChainTests.Start(approval));
                await scene.Ledger.AppendAsync(new LedgerEntry(LedgerKind.ExecutionFinished) { ApprovalId = approval });
            }

            using var output = new MemoryStream();
            await scene.Ledger.Store.ExportAsync(output, scene.Machine.Signer, TestLedger.None);
            scene.Lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return scene;
        }

        public async Task<(int Exit, bool Ok, JsonNode Json)> VerifyAsync(string[] lines, params string[] arguments)
        {
            var (exit, output) = await RunAsync(lines, ["--json", .. arguments]);
            var json = JsonNode.Parse(output)!;
            return (exit, (bool)json["ok"]!, json);
        }

        public async Task<(int Exit, string Output)> RunAsync(string[] lines, params string[] arguments)
        {
            var file = Path.Combine(Ledger.Folder, $"export{_files++}.ndjson");
            await File.WriteAllTextAsync(file, string.Join('\n', lines));
            var (exit, output, errors) = await Command.RunAsync("node", [s_verifier, .. arguments, file]);
            Assert.True(errors.Length == 0, errors);
            return (exit, output);
        }

        /// <summary>What somebody with full control of the machine can do: edit bodies and compute every hash and the head anew.</summary>
        public string[] Rechain(Func<string, string> edit, Key key, bool check = true)
        {
            Remember = check;
            var previous = new byte[32];
            var lines = new List<string> { Lines[0].Replace(Machine.PublicText, key.PublicText, StringComparison.Ordinal) };
            foreach (var line in Lines[1..^1])
            {
                var row = JsonNode.Parse(line)!;
                var body = edit((string)row["body"]!);
                previous = SHA256.HashData([.. previous, .. Encoding.UTF8.GetBytes(body)]);
                lines.Add(new JsonObject
                { ["seq"] = (long)row["seq"]!, ["hash"] = Convert.ToHexStringLower(previous), ["body"] = body }.ToJsonString());
            }

            var head = new LedgerHead(Ledger.Store.Head.Epoch, lines.Count - 1, Convert.ToHexStringLower(previous));
            lines.Add($$$"""{"head":{"epoch":"{{{head.Epoch}}}","seq":{{{head.Seq}}},"hash":"{{{head.HashHex}}}"},"signature":"{{{Base64Url.EncodeToString(key.Sign(head.SignedText(TestLedger.Machine)))}}}"}""");
            return [.. lines];
        }

        public async ValueTask DisposeAsync()
        {
            Machine.Dispose();
            Phone.Dispose();
            await Ledger.DisposeAsync();
        }

        /// <summary>A denial that ends the turn, in version 2 of its text; or one that was tampered with.</summary>
        public async Task AppendSecondAsync(string approval, string what)
        {
            const string Decision = "0197a1b2-0000-7000-8000-000000000009", Reason = "no, thanks";
            var reason = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Reason)));
            var answers = Convert.ToHexStringLower(SHA256.HashData([]));
            List<string> lines = ["pocketcoder-decision-v2", TestLedger.Machine, approval, Decision, s_digest, "deny", "once", reason,
                answers, "true"];
            if (what == "a line more")
            {
                lines.Add("once");
            }
            else if (what == "lines in another order")
            {
                (lines[5], lines[6]) = (lines[6], lines[5]);
            }

            var text = string.Join('\n', lines);
            var signature = Phone.Sign(Encoding.UTF8.GetBytes(text));
            var high = signature[32] >= 0x80;
            if (high != (what == "the higher s"))
            {
                signature = OtherS(signature);
            }

            await Ledger.AppendAsync(ChainTests.Request(approval));
            await Ledger.AppendAsync(new LedgerEntry(LedgerKind.ApprovalDecided)
            {
                ApprovalId = approval,
                DeviceId = "phone",
                Digest = s_digest,
                Data = TestLedger.Json(new JsonObject
                {
                    ["decision"] = "deny",
                    ["scope"] = "once",
                    ["decisionId"] = what == "another decision's id" ? approval : Decision,
                    ["reason"] = what == "another reason" ? "yes" : Reason,
                    ["interrupt"] = what != "another interruption",
                    ["deviceSigningKey"] = Phone.PublicText,
                    ["signed"] = text,
                    ["signature"] = Base64Url.EncodeToString(signature) + (what == "a padded signature" ? "==" : ""),
                }.ToJsonString()),
            });
        }

        /// <summary>The other one that verifies: (r, n − s).</summary>
        private static byte[] OtherS(byte[] signature)
        {
            var order = BigInteger.Parse(
                "0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var s = (order - new BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true)).ToByteArray(
                isUnsigned: true, isBigEndian: true);
            return [.. signature[..32], .. new byte[32 - s.Length], .. s];
        }

        private LedgerEntry Signed(string approval, string decision, string scope)
        {
            var text = $"pocketcoder-decision-v1\n{TestLedger.Machine}\n{approval}\n{s_digest}\n{decision}\n{scope}";
            var signature = Base64Url.EncodeToString(Phone.Sign(Encoding.UTF8.GetBytes(text)));
            return new LedgerEntry(LedgerKind.ApprovalDecided)
            {
                ApprovalId = approval,
                DeviceId = "phone",
                Digest = s_digest,
                Data = TestLedger.Json(
                    $$"""{"decision":"{{decision}}","scope":"{{scope}}","deviceSigningKey":"{{Phone.PublicText}}","signed":"{{JsonEncodedText.Encode(text)}}","signature":"{{signature}}"}"""),
            };
        }
    }
}
