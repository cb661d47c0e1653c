using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Machine.Approvals;
using PocketCoder.Protocol;
using PocketCoder.Workspace;

namespace PocketCoder.Machine.Tests.Documents;

/// <summary>What docs/channel.md, docs/gateway.md and docs/files.md state in numbers, codes and headers is what the code has.</summary>
public sealed partial class LimitTests
{
    private static readonly Page s_channel = new("docs/channel.md");
    private static readonly Page s_gateway = new("docs/gateway.md");
    private static readonly Page s_files = new("docs/files.md");

    private static readonly Assembly[] s_channelCode = [typeof(ChannelError).Assembly];
    private static readonly Assembly[] s_gatewayCode = [typeof(GatewayServer).Assembly];
    private static readonly Assembly[] s_filesCode = [typeof(WorkspaceOptions).Assembly];

    /// <summary>All of ours besides: in which project of the machine something lies does not matter here.</summary>
    private static readonly Assembly[] s_machineCode =
    [
        .. Directory.EnumerateFiles(AppContext.BaseDirectory, "PocketCoder.*.dll").Select(f => Path.GetFileNameWithoutExtension(f))
            .Where(n => !n.Contains(".Test", StringComparison.Ordinal))
            .Select(n => Assembly.Load(n)).Where(a => a != s_channelCode[0] && a != s_gatewayCode[0] && a != s_filesCode[0]),
    ];

    [Fact]
    public void Each_kind_of_frame_stands_in_the_channels_table_with_its_size()
    {
        var rows = s_channel.Table("| kind | direction | rest |");
        Assert.Equal(
            Enum.GetValues<FrameKind>().Where(k => k != FrameKind.None).Select(k => ((byte)k).ToString("x2", CultureInfo.InvariantCulture)),
            rows.Select(r => Page.Words(r[0])[0]));
        Assert.Equal(["device → machine", "machine → device", "both", "both", "device → machine"], rows.Select(r => r[1]));
        Has(rows[0][2], $"at most {Number(Of<int>(s_channelCode, "DeviceHandshake.MaxFrameBytes"))} bytes");
        Has(rows[1][2], $"at most {Number(Of<int>(s_channelCode, "DeviceHandshake.MaxFrameBytes"))} bytes");
        Has(rows[2][2], $"tag ({Of<int>(s_channelCode, "Aead.TagBytes")} bytes); at most {Number(OfDefault<int>(s_channelCode, "ChannelLimits", "MaxFrameBytes"))} bytes");
        Has(rows[3][2],
            $"at most {Number(CloseReason.MaxFrameBytes)} bytes, code 1–{Of<int>(s_channelCode, "CloseReason.MaxCode")} characters",
            $"message at most {Of<int>(s_channelCode, "CloseReason.MaxMessage")} UTF-16 units");
        Has(rows[4][2], $"at most {Number(SealedLetter.MaxFrameBytes)} bytes");
    }

    [Fact]
    public void Each_error_that_the_channels_page_names_is_one_and_each_that_is_seen_outside_stands_there()
    {
        var codes = Enum.GetValues<ChannelError>().Select(e => e.Code()).ToHashSet(StringComparer.Ordinal);
        var said = Page.Words(s_channel.Text).Where(w => Snake().IsMatch(w)).ToHashSet(StringComparer.Ordinal);
        Assert.Subset(codes, said);
        var table = new Page("docs/protocol.md").Table("| close frame | means |").SelectMany(r => Page.Words(r[0]));
        Assert.Superset(table.Concat(
            [ChannelError.Replayed.Code(), ChannelError.OutOfOrder.Code(), ChannelError.Corrupt.Code(), ChannelError.Malformed.Code()])
            .ToHashSet(StringComparer.Ordinal), Page.Words(s_channel.Text).ToHashSet(StringComparer.Ordinal));
    }

    [Fact]
    public void The_numbers_of_pairing_are_those_of_the_offers() => Has(
        s_channel.Section("Pairing"),
        $"{PairingOffers.OfferIdBytes} random bytes of id, {PairingOffers.SecretBytes} of secret, {PairingOffers.DefaultLifetime.TotalMinutes:0} minutes, in memory only, at most {PairingOffers.MaxOpen} open at once",
        $"{Of<int>(s_channelCode, "PairingLink.Characters")} characters, no padding",
        $"counts as an attempt; there are {new[] { "no", "one", "two", "three", "four", "five" }[PairingOffers.MaxAttempts]}.");

    [Fact]
    public void The_numbers_of_sealed_frames_are_those_of_the_channel_and_the_machine() => Has(
        s_channel.Section("Sealed frames"),
        $"a multiple of {Number((long)OfDefault<ulong>(s_channelCode, "ChannelLimits", "RekeyInterval"))} (not 0)",
        $"at most {Size(Limits.MessageBytes)} unless",
        $"{Size(Limits.HelloBytes)} for the first message (`hello`), then {Size(Limits.RequestBytes)}, and {Size(Limits.FileRequestBytes - Limits.HelloBytes)} + {Size(Limits.HelloBytes)} for devices",
        $"within {Of<TimeSpan>(s_machineCode, "UnfinishedMessage.FrameLimit").TotalSeconds:0} s of each other and within {Of<TimeSpan>(s_machineCode, "UnfinishedMessage.Limit").TotalSeconds:0} s in all",
        $"over all its connections ({Size(Of<long>(s_machineCode, "MachineEndpoint.MessageBytesPerDevice"))}), and for all devices ({Size(Of<long>(s_machineCode, "MachineEndpoint.MessageBytes"))})");

    [Fact]
    public void Each_limit_of_the_gateway_stands_in_its_table_with_its_value()
    {
        var options = GatewayOptions.Default;
        var (each, pages) = (options.MaxConnectionsPerAddress, Of<int>(s_gatewayCode, "ConnectionGate.Pages"));
        var rows = s_gateway.Table("| what | limit |").ToDictionary(r => r[0], r => r[1], StringComparer.Ordinal);
        Has(rows["connections"], $"{options.MaxConnections} in all; {each} an address (loopback: {each * 4} a local user)");
        Has(rows["new connections"],
            $"{options.ConnectBurst} at once, then one a second (loopback: {options.ConnectBurst * 10}, then ten a second, a local user); more is 429");
        Has(rows["failed handshakes and pairing tries"], $"{Of<int>(s_gatewayCode, "Throttle.FailuresAllowed")} from one address",
            $"then {Of<TimeSpan>(s_gatewayCode, "Throttle.s_penalty").TotalSeconds:0} s of 429");
        Has(rows["TCP connections, whatever is sent on them"], $"{pages} more an address",
            $"{Call(s_gatewayCode, "ConnectionGate", "MostOfOthers", options)} in all, and the owner's own {(each * 4) + pages} beside them");
        Has(
            rows["frame"],
            $"{Size(Of<int>(s_gatewayCode, "RelayFrame.MaxBytes"))}; larger closes with {RelayClose.TooBig}",
            $"binary frames with {RelayClose.BadFrame}; {options.FrameLimit.TotalSeconds:0} s from its first byte to its last, then {RelayClose.FrameTooSlow}");
        Has(rows["read and not looked at yet"], $"{Size(Of<int>(s_gatewayCode, "GatewayServer.TransportBytes"))} a connection");
        Has(rows["until the first sealed frame"], $"{options.HandshakeLimit.TotalSeconds:0} s, then {RelayClose.HandshakeTooSlow}");
        Has(rows["a device that does not read"], $"{options.SendLimit.TotalSeconds:0} s a frame");
        Has(rows["ping"], $"every {options.PingInterval.TotalSeconds:0} s, answered within {options.PingInterval.TotalSeconds:0} s");
        Has(rows["request headers"],
            $"{Of<int>(s_gatewayCode, "GatewayServer.HeaderCount")} of {Size(Of<int>(s_gatewayCode, "GatewayServer.HeaderBytes"))} in all, within {Of<TimeSpan>(s_gatewayCode, "GatewayServer.s_headerLimit").TotalSeconds:0} s");
        Assert.Equal(10, rows.Count); // a row more needs a line more here
    }

    [Fact]
    public void Each_close_code_stands_on_the_gateways_page()
    {
        var codes = typeof(RelayClose).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => ((ushort)f.GetValue(null)!).ToString(CultureInfo.InvariantCulture));
        var section = s_gateway.Section("Limits");
        Assert.Equal(
            codes.Append(Of<ushort>(s_machineCode, "MachineEndpoint.Refused").ToString(CultureInfo.InvariantCulture))
                .Order(StringComparer.Ordinal),
            CloseCode().Matches(section).Select(m => m.Groups["code"].Value).Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal));
    }

    /// <summary>A real gateway's answers: each row of the table, the headers, and the methods.</summary>
    [Fact]
    public async Task What_the_gateway_serves_is_what_its_page_says()
    {
        Assert.Equal(["GET /healthz", "GET /v1/relay?machine=ID", "GET /ca.crt", "GET /…", "POST /share"],
            s_gateway.Table("| request | answer |").Select(r => Page.Words(r[0])[0]));
        Has(s_gateway.Table("| request | answer |")[1][1], $"`{Of<string>(s_gatewayCode, "RelayFrame.Subprotocol")}`");
        Assert.Equal("/v1/relay", Of<string>(s_gatewayCode, "RelayRoute.Path"));
        await using var daemon = await TestDaemon.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(daemon.Url) };

        using var health = await client.GetAsync(new Uri("/healthz", UriKind.Relative));
        Assert.Equal((200, 0L), ((int)health.StatusCode, health.Content.Headers.ContentLength));
        var policy = string.Join(' ', health.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'; script-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Equal(("nosniff", "no-referrer", true),
            (One(health, "X-Content-Type-Options"), One(health, "Referrer-Policy"), health.Headers.Contains("Permissions-Policy")));

        using var posted = await client.PostAsync(new Uri("/healthz", UriKind.Relative), new StringContent("x"));
        Assert.Equal(405, (int)posted.StatusCode);
        Has(s_gateway.Section("What it serves"), "other methods than GET and HEAD get 405");
        using var shared = await client.PostAsync(new Uri("/share", UriKind.Relative), new StringContent("x"));
        Assert.Equal("/new?shared=missed", shared.RequestMessage!.RequestUri!.PathAndQuery); // led on to the app's page
        using var foreign = await SendAsync("Host", "evil.example");
        Assert.Equal(421, (int)foreign.StatusCode);
        using var other = await SendAsync("Origin", "null");
        Assert.Equal(403, (int)other.StatusCode);
        Has(s_gateway.Section("Before anything else"), "is 421", "`null` too, is 403");

        static string One(HttpResponseMessage answer, string header) => string.Join(' ', answer.Headers.GetValues(header));

        async Task<HttpResponseMessage> SendAsync(string header, string value)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/healthz", UriKind.Relative));
            request.Headers.TryAddWithoutValidation(header, value);
            return await client.SendAsync(request);
        }
    }

    [Fact]
    public void Each_limit_of_files_stands_in_its_table_with_its_value()
    {
        var limits = typeof(FileLimits).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral)
            .Select(f => $"{f.Name} {f.GetRawConstantValue()}");
        Assert.Equal(limits.Order(StringComparer.Ordinal),
            s_files.Table("| name | value | of |").Select(r => $"{Page.Words(r[0])[0]} {r[1]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_the_page_about_files_says_in_numbers_is_so()
    {
        var batch = (Quiet: Of<TimeSpan>(s_filesCode, "ChangeBatch.Quiet"), AtMost: Of<TimeSpan>(s_filesCode, "ChangeBatch.AtMost"));
        var bounds = PersonApprovals.Bounds;
        Has(s_files.Section("Nothing outside is reached"), $"at most {FileLimits.Depth} levels",
            $"of at most {Number(Of<int>(s_filesCode, "HardLinks.MostEntries"))} entries");
        Has(
            s_files.Section("Reading"),
            $"at most {Number(FileLimits.Entries)} entries",
            $"files up to {Size(FileLimits.ReadBytes)}; since a message holds at most {Size(Limits.MessageBytes)} it answers in parts of at most {Size(Limits.RangeBytes)}",
            $"for {new WorkspaceOptions("/", "/").SearchTime.TotalSeconds:0} seconds at most");
        Has(
            s_files.Section("Changing"),
            $"`fs_write` ({Size(FileLimits.WriteBytes)})",
            $"{Number(FileLimits.TrashItems)} things, {FileLimits.TrashBytes >> 30} GiB, {FileLimits.TrashDays} days",
            $"in pieces of {Size(FileLimits.ChunkBytes)}",
            Of<TimeSpan>(s_filesCode, "Uploads.s_age") == TimeSpan.FromDays(1) ? "is forgotten after a day" : "?");
        Has(s_files.Section("git's marks"), $"waits {Of<TimeSpan>(s_machineCode, "GitFileStatus.s_patience").TotalMilliseconds:0} ms");
        Has(
            s_files.Section("Secrets"),
            $"at most {(bounds.Reads == 8 ? "eight" : "?")} requests to read",
            $"Of changes {bounds.Changes} wait, and a device asks at most {bounds.Asked} times in {(bounds.Window == TimeSpan.FromMinutes(10) ? "ten" : "?")} minutes",
            PersonApprovals.ReadableFor == TimeSpan.FromMinutes(10) ? "(ten minutes, the same device)" : "?");
        Has(s_files.Section("Protected configuration"),
            $"of more than {Number(Of<int>(s_filesCode, "ChangeInspector.MostEntries"))} entries");
        Has(
            s_files.Section("Watching"),
            $"{batch.Quiet.TotalMilliseconds:0} ms after the last change, at the latest {(batch.AtMost == TimeSpan.FromSeconds(1) ? "a second" : "?")} after the first, at most {FileLimits.Changes} changes",
            $"after a kill it jumps by {Number(Of<int>(s_machineCode, "FileStreams.Jump"))}",
            $"ends {Of<TimeSpan>(s_machineCode, "FileStreams.s_grace").TotalSeconds:0} seconds after the last",
            Of<TimeSpan>(s_filesCode, "ProjectWatch.s_scanPeriod") == TimeSpan.FromSeconds(2) ? "looked through every two seconds" : "?");
    }

    private static void Has(string text, params string[] words)
        => Assert.All(words, w => Assert.Contains(w, text, StringComparison.Ordinal));

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Size(long bytes) => bytes % (1 << 20) == 0 ? $"{bytes >> 20} MiB" : bytes % 1024 == 0 ? $"{bytes >> 10} KiB"
        : throw new ArgumentException($"{bytes} bytes have no short form", nameof(bytes));

    /// <summary>A constant or static value by <c>Type.Field</c>, wherever the type lies in the code.</summary>
    private static T Of<T>(Assembly[] code, string name)
    {
        var (type, field) = (name.Split('.')[0], name.Split('.')[1]);
        return Assert.IsType<T>(
            TypeOf(code, type).GetField(field, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static)?.GetValue(null));
    }

    /// <summary>A value of what a type calls its default.</summary>
    private static T OfDefault<T>(Assembly[] code, string type, string name)
    {
        var found = TypeOf(code, type);
        var all = found.GetProperty("Default", BindingFlags.Public | BindingFlags.Static)!.GetValue(null);
        return Assert.IsType<T>(
            found.GetProperty(name, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(all));
    }

    private static object Call(Assembly[] code, string type, string method, object argument)
        => TypeOf(code, type).GetMethod(method, BindingFlags.Public | BindingFlags.Static)!.Invoke(null, [argument])!;

    private static Type TypeOf(Assembly[] code, string type)
        => Assert.Single(code.SelectMany(a => a.GetTypes()), t => t.Name == type && !t.IsNested);

    [GeneratedRegex("^[a-z]+(_[a-z]+)+$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Snake();

    [GeneratedRegex(@"(with|then|,|:) (?<code>[14]\d\d\d)\b(?! in all)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex CloseCode();
}
