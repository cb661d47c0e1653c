using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Usage;

/// <summary>What a device is told of what agents used: all of it, right, and bounded.</summary>
public sealed class UsageTests
{
    /// <summary>One line of the table of what was used.</summary>
    private sealed record Used(string Session, string Project, string Day, string Model, bool Own, int Requests, long Tokens, int Unpriced,
        int Uncounted)
    {
        /// <summary>In nanodollars. Of what has a price.</summary>
        public long Cost => Requests == Unpriced ? 0 : Tokens * 3_000;
    }

    [Fact]
    public async Task Sums_are_those_of_the_days_asked_for_whatever_was_used()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var daemon = await TestDaemon.StartAsync(new ManualTime());
        await using var phone = await daemon.PhoneAsync("phone", Scope.View, Scope.Prompt);
        var session = await phone.StartAsync("hello");
        var today = DateOnly.ParseExact((await GetAsync(phone.Device, 1)).Today, "yyyy-MM-dd", CultureInfo.InvariantCulture);
        string[] sessions = [session.ToString(), .. Enumerable.Range(0, 5).Select(_ => Guid.CreateVersion7().ToString())];
        string[] projects = [phone.Project.ProjectId.ToString(), Guid.CreateVersion7().ToString()];
        var rows = Enumerable.Range(0, 300).Select(_ =>
        {
            var requests = random.Next(1, 20);
            return new Used(
                sessions[random.Next(sessions.Length)], projects[random.Next(2)], Day(today, random.Next(140)), $"model-{random.Next(4)}",
                random.Next(4) == 0, requests, random.Next(1_000_000), random.Next(3) == 0 ? requests : random.Next(requests),
                random.Next(requests));
        }).DistinctBy(r => (r.Session, r.Day, r.Model, r.Own)).ToList();
        Write(daemon, rows);

        foreach (var days in (int?[])[1, 2, 7, 30, 90, null])
        {
            var from = days is { } n ? Day(today, n - 1) : "";
            var wanted = rows.Where(r => string.CompareOrdinal(r.Day, from) >= 0).ToList();
            var told = await GetAsync(phone.Device, days);
            Assert.Equal(SumOf(wanted), told.Total);
            Same(told.Models, wanted.GroupBy(r => r.Model));
            Same(told.Projects, wanted.GroupBy(r => r.Project));
            Same(told.Sessions, wanted.GroupBy(r => r.Session));
            Same(told.Days, rows.Where(r => string.CompareOrdinal(r.Day, Day(today, 89)) >= 0).GroupBy(r => r.Day));
            Assert.Equal(told.Days.Select(d => d.Id).OrderDescending(StringComparer.Ordinal), told.Days.Select(d => d.Id));
            Assert.Equal((0, 0, 0), (told.ModelsLeft, told.ProjectsLeft, told.SessionsLeft));
            Assert.All(told.Projects, p => Assert.Equal(p.Id == projects[0] ? phone.Project.Name : null, p.Name));
            Assert.All(told.Sessions, s => Assert.Equal(s.Id == sessions[0], s.Name is not null));
        }
    }

    [Fact]
    public async Task Of_many_the_most_expensive_are_told_and_how_many_are_not_and_the_total_has_all()
    {
        await using var daemon = await TestDaemon.StartAsync(new ManualTime());
        await using var viewer = await daemon.PairAsync("tablet", Scope.View);
        var today = (await GetAsync(viewer, 1)).Today;
        var rows = Enumerable.Range(0, 130).Select(i => new Used(
            Guid.CreateVersion7().ToString(), Guid.CreateVersion7().ToString(), today, new string('m', 190) + i, false, 1, i + 1, 0, 0))
            .ToList();
        Write(daemon, rows);
        var told = await GetAsync(viewer, null);
        foreach (var (part, left) in ((IReadOnlyList<NamedUsage>, int)[])[(told.Models, told.ModelsLeft),
            (told.Projects, told.ProjectsLeft), (told.Sessions, told.SessionsLeft)])
        {
            Assert.Equal((UsageLimits.MostRows, 80), (part.Count, left));
            Assert.Equal(Enumerable.Range(81, 50).Select(i => (long)i).Reverse(), part.Select(p => p.Used.InputTokens));
        }

        Assert.Equal(SumOf(rows), told.Total);
        Assert.True(JsonSerializer.SerializeToUtf8Bytes(told, ProtocolJson.Default.UsageGetResponse).Length < 128 << 10);
    }

    [Fact]
    public async Task Nothing_is_told_as_nothing_and_a_wrong_number_of_days_is_refused()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var viewer = await daemon.PairAsync("tablet", Scope.View);
        var told = await GetAsync(viewer, 30);
        Assert.Equal(new UsageSum(0, 0, 0, 0, 0, null, 0, 0, 0), told.Total);
        Assert.Empty(told.Days.Concat(told.Models).Concat(told.Projects).Concat(told.Sessions));
        foreach (var days in (int[])[0, -1, 91, int.MaxValue, int.MinValue])
        {
            Assert.Equal(
                ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<WireErrorException>(() => GetAsync(viewer, days))).Error.Code);
        }

        foreach (var wrong in (string[])["""{"days":"7"}""", """{"days":1.5}""", """{"days":99999999999}"""])
        {
            using var asked = JsonDocument.Parse(wrong);
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => viewer.AskRawAsync(MessageTypes.UsageGet, asked.RootElement));
            Assert.Equal(ErrorCode.InvalidRequest, refused.Error.Code);
        }
    }

    internal static Task<UsageGetResponse> GetAsync(TestDevice device, int? days) => device.AskAsync(
        MessageTypes.UsageGet, new UsageGetRequest(days), ProtocolJson.Default.UsageGetRequest, ProtocolJson.Default.UsageGetResponse);

    /// <summary>As if agents had used it. A restart counts it for budgets.</summary>
    internal static void Use(TestDaemon daemon, Guid session, Guid project, string day, long tokens)
        => Write(daemon, [new Used(session.ToString(), project.ToString(), day, "model", false, 1, tokens, 0, 0)]);

    private static string Day(DateOnly today, int ago) => today.AddDays(-ago).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static UsageSum SumOf(IEnumerable<Used> rows)
    {
        var all = rows.ToList();
        var (requests, unpriced, tokens) = (all.Sum(r => (long)r.Requests), all.Sum(r => (long)r.Unpriced), all.Sum(r => r.Tokens));
        return new UsageSum(
            requests, tokens, tokens * 2, tokens * 3, tokens * 4, requests == unpriced ? null : all.Sum(r => r.Cost) / 1_000_000_000m,
            unpriced, all.Sum(r => (long)r.Uncounted), all.Where(r => r.Own).Sum(r => (long)r.Requests));
    }

    private static void Same(IReadOnlyList<NamedUsage> told, IEnumerable<IGrouping<string, Used>> wanted)
        => Assert.Equal(
            wanted.ToDictionary(g => g.Key, SumOf, StringComparer.Ordinal),
            told.ToDictionary(t => t.Id, t => t.Used, StringComparer.Ordinal));

    private static void Write(TestDaemon daemon, IReadOnlyList<Used> rows)
    {
        using var connection = new SqliteConnection($"Data Source={daemon.Options.Home.Database};Pooling=False;Default Timeout=30");
        connection.Open();
        using var transaction = connection.BeginTransaction();
        foreach (var row in rows)
        {
            using var command = connection.CreateCommand();
            command.CommandText =
                "INSERT INTO model_usage VALUES ($s, $p, $d, 'anthropic', $m, $own, $r, $t, $t * 2, $t * 3, $t * 4, $c, $u, $e)";
            foreach (var (name, value) in (ReadOnlySpan<(string, object)>)[("$s", row.Session), ("$p", row.Project), ("$d", row.Day),
                ("$m", row.Model), ("$own", row.Own), ("$r", row.Requests), ("$t", row.Tokens), ("$c", row.Cost), ("$u", row.Unpriced),
                ("$e", row.Uncounted)])
            {
                command.Parameters.AddWithValue(name, value);
            }

            command.ExecuteNonQuery();
        }

        transaction.Commit();
    }
}
