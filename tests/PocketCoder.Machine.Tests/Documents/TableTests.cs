using System.Globalization;
using System.Reflection;
using System.Text.Json.Serialization;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Documents;

/// <summary>
/// Every table and list of the protocol's pages says what the code does: nothing is missing, and nothing stands there that is not so.
/// </summary>
public sealed class TableTests
{
    private static readonly Page s_protocol = new("docs/protocol.md");
    private static readonly Page s_ledger = new("docs/ledger.md");

    [Fact]
    public async Task Each_request_stands_in_the_table_once_with_its_scope()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var said = new List<string>();
        foreach (var row in s_protocol.Table("| type | scope | what |"))
        {
            var (types, scopes) = (Page.Words(row[0]), row[1].Split(", "));
            Assert.True(scopes.Length == 1 || scopes.Length == types.Count, $"scopes of {row[0]}");
            said.AddRange(types.Select((t, i) => $"{t} {scopes[scopes.Length == 1 ? 0 : i]}"));
        }

        Same(daemon.Daemon.Table.Routes.Where(r => r.Scope is not null).Select(r => $"{r.Type} {r.Scope.ToString()!.ToLowerInvariant()}"),
            said);
    }

    [Fact]
    public async Task The_requests_that_are_not_answered_in_order_are_named()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var line = s_protocol.Section("Transport").Split('\n')
            .Single(l => l.Contains("are answered in order, except", StringComparison.Ordinal));
        Assert.Contains("all of git", line, StringComparison.Ordinal);
        Same(
            daemon.Daemon.Table.Routes.Where(r => r.Concurrent && !r.Type.StartsWith("git_", StringComparison.Ordinal)).Select(r => r.Type),
            Page.Words(line));
        Assert.DoesNotContain(daemon.Daemon.Table.Routes, r => r.Type.StartsWith("git_", StringComparison.Ordinal) && !r.Concurrent);
    }

    [Fact]
    public void Each_message_of_the_machine_stands_in_its_table()
    {
        var types = typeof(MessageTypes).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(f => f.IsLiteral && f.Name != nameof(MessageTypes.ResponseSuffix)).Select(f => (string)f.GetValue(null)!);
        Same(types.Except(MessageTypes.Requests, StringComparer.Ordinal),
            s_protocol.Table("| type | on | what |").SelectMany(r => Page.Words(r[0])));
    }

    [Fact]
    public void Each_error_code_stands_in_its_table()
        => Same(Enum.GetValues<ErrorCode>().Select(c => System.Text.Json.JsonSerializer.Serialize(c, ProtocolJson.Default.ErrorCode)
            .Trim('"')), s_protocol.Table("| code | means |").SelectMany(r => Page.Words(r[0])));

    [Fact]
    public void Each_close_code_and_word_stands_in_its_table()
    {
        var ours = typeof(RelayClose).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => ((ushort)f.GetValue(null)!).ToString(CultureInfo.InvariantCulture));
        var section = s_protocol.Section("How a connection ends").Split('\n');
        Same([.. ours, "4000"], section.Where(l => l.StartsWith("| ", StringComparison.Ordinal) && char.IsDigit(l[2]))
            .Select(l => l[2..6]));
        var words = Enum.GetValues<ChannelError>().Select(e => e.Code()).ToHashSet(StringComparer.Ordinal);
        Assert.All(s_protocol.Table("| close frame | means |").SelectMany(r => Page.Words(r[0])), w => Assert.Contains(w, words));
    }

    [Fact]
    public void Each_limit_stands_in_its_table_with_its_value()
    {
        var limits = typeof(Limits).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral)
            .Select(f => $"{f.Name} {f.GetRawConstantValue()}");
        Same(limits, s_protocol.Table("| name | value | of |").Select(r => $"{Page.Words(r[0])[0]} {r[1]}"));
    }

    [Fact]
    public void Each_name_that_a_digest_covers_stands_in_its_table()
        => Same(Machine.Approvals.ApprovalDigest.Names, s_protocol.Table("| name | value |\n").SelectMany(r => Page.Words(r[0])));

    [Fact]
    public void The_kinds_of_events_are_those_of_the_streams()
    {
        var streams = s_protocol.Section("Streams").Split('\n');
        Same(Kinds(typeof(AgentEventPayload)),
            WordsAfter(streams.Single(l => l.StartsWith("* `session/", StringComparison.Ordinal)), "Kinds: `"));
        Same(Kinds(typeof(MachineEvent)),
            WordsAfter(streams.Single(l => l.StartsWith("* `machine`", StringComparison.Ordinal)), "kinds `"));
    }

    [Fact]
    public void The_kinds_of_rows_are_those_of_the_ledger()
    {
        var section = s_ledger.Section("The chain");
        Same(LedgerKind.All, WordsAfter(section, "Kinds (closed; `LedgerKind`): `"));
    }

    /// <summary>Each field that the page names is one of the row's data, and each of the data is named.</summary>
    [Fact]
    public void The_fields_that_verification_knows_are_those_of_the_rows()
    {
        Dictionary<string, Type> data = new(StringComparer.Ordinal)
        {
            ["device_paired"] = typeof(DeviceData),
            ["device_limited"] = typeof(DeviceLimitedData),
            ["device_revoked"] = typeof(DeviceRevokedData),
            ["machine_started"] = typeof(StartedMachineData),
            ["approval_requested"] = typeof(RequestedData),
            ["approval_agreed"] = typeof(DecidedData),
            ["approval_decided"] = typeof(DecidedData),
            ["execution_started"] = typeof(StartedData),
            ["undo_started"] = typeof(UndoStartedData),
            ["rule_added"] = typeof(NetworkRuleData),
        };
        string[] rows = ["deviceId", "approvalId", "digest"]; // of the row itself
        foreach (var row in s_ledger.Table("| kind | fields |"))
        {
            var kind = Page.Words(row[0])[0];
            Assert.True(data.Remove(kind, out var type), kind);
            Same(type.GetProperties().Select(p => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(p.Name)),
                Page.Words(row[1]).Except([.. rows, "allow", "once", "owner", "approval_decided"], StringComparer.Ordinal)
                .Distinct(StringComparer.Ordinal).Where(w => w != "grant" || kind is "approval_decided" or "approval_agreed"));
        }

        Assert.Empty(data);
    }

    private static IEnumerable<string> Kinds(Type type)
        => type.GetCustomAttributes<JsonDerivedTypeAttribute>().Select(a => (string)a.TypeDiscriminator!);

    private static string[] WordsAfter(string text, string opening)
    {
        var from = text.IndexOf(opening, StringComparison.Ordinal) + opening.Length;
        return text[from..text.IndexOf('`', from)].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
    }

    private static void Same(IEnumerable<string> code, IEnumerable<string> page)
        => Assert.Equal(code.Order(StringComparer.Ordinal), page.Order(StringComparer.Ordinal));
}
