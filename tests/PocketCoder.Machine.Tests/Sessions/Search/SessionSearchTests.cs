using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Search;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions.Search;

public sealed class SessionSearchTests
{
    [Fact]
    public async Task Words_of_people_and_agents_are_found_in_every_session_also_an_archived_one()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var first = await phone.StartAsync("The rate limiter forgets its windows");
        await phone.DoneAsync();
        var second = await phone.StartAsync("登录 页面 is slow");
        await phone.DoneAsync();
        await phone.Device.AskAsync(MessageTypes.AgentSessionSet, new AgentSessionSetRequest(first, Archived: true),
            ProtocolJson.Default.AgentSessionSetRequest, ProtocolJson.Default.AgentSessionSetResponse);

        var hit = Assert.Single((await FindAsync(phone, "RATE windows")).Hits);
        Assert.Equal(first, hit.AgentSessionId);
        Assert.Equal("rate", hit.Excerpt.Substring(hit.From, hit.Length));
        Assert.Equal(2, hit.Messages); // the prompt, and the demo agent that says it back
        Assert.Equal(SessionSpeaker.Agent, hit.Who);
        Assert.Equal(second, Assert.Single((await FindAsync(phone, "登录")).Hits).AgentSessionId);
        Assert.Equal([second, first], (await FindAsync(phone, "s")).Hits.Select(h => h.AgentSessionId));
        Assert.Empty((await FindAsync(phone, "rate 登录")).Hits);

        // What is said later is found as well, and nothing twice.
        await phone.PromptAsync(second, "one more word: rhododendron");
        await phone.DoneAsync();
        Assert.Equal(2, Assert.Single((await FindAsync(phone, "rhododendron")).Hits).Messages);
        Assert.Equal(2, Assert.Single((await FindAsync(phone, "limiter")).Hits).Messages);
    }

    [Fact]
    public async Task A_broken_index_is_made_anew_and_others_can_not_read_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("a needle");
        await phone.DoneAsync();
        await File.WriteAllTextAsync(daemon.Options.Home.Search, new string('x', 10_000));
        await Wait.UntilAsync(async () => await TriedAsync() == 1, "it was made anew");
        Assert.True(OperatingSystem.IsWindows()
            || File.GetUnixFileMode(daemon.Options.Home.Search) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));

        async Task<int> TriedAsync()
        {
            try
            {
                return (await FindAsync(phone, "needle")).Hits.Count;
            }
            catch (WireErrorException e) when (e.Error.Code == ErrorCode.Unavailable)
            {
                return 0;
            }
        }
    }

    [Fact]
    public async Task Who_searches_at_the_end_is_told_so()
    {
        var folder = Directory.CreateTempSubdirectory("pc-search-").FullName;
        await using var ledger = await LedgerStore.OpenAsync(
            new LedgerOptions(Path.Combine(folder, "machine.db"), "m"), TimeProvider.System, CancellationToken.None);
        var store = new Store(ledger, new StreamHub("instance"), "none", TimeProvider.System, static body => body);
        var search = new SessionSearch(Path.Combine(folder, "search.db"), store, NullLogger.Instance);
        await search.DisposeAsync();
        var failure = await Assert.ThrowsAsync<RequestFailure>(
            () => search.FindAsync(new AgentSessionsSearchRequest("needle", 10), CancellationToken.None));
        Assert.Equal(ErrorCode.Unavailable, failure.Error.Code);
    }

    [Fact]
    public async Task What_was_typed_is_data_whatever_it_is()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await phone.StartAsync("a 100% sure \"quoted\" AND under_score text\\path");
        await phone.DoneAsync();
        foreach (var found in (string[])["100%", "\"quoted\"", "AND", "under_score", "text\\path", "%", "_", "\"", "\\"])
        {
            Assert.True((await FindAsync(phone, found)).Hits.Count == 1, found);
        }

        foreach (var none in (string[])["100_", "quoted*", "NOT zzz", "NEAR(a b)", "text:quoted", "^a 100", "session_id:a", "'; DROP TABLE x; --", "((("])
        {
            Assert.True((await FindAsync(phone, none)).Hits.Count == 0, none);
        }

        var random = new Random(7);
        for (var i = 0; i < 300; i++)
        {
            var most = i % 2 == 0 ? 0x80 : 0xD800;
            var query = new string([.. Enumerable.Range(0, 1 + random.Next(20)).Select(_ => (char)random.Next(1, most))]);
            if (!string.IsNullOrWhiteSpace(query))
            {
                await FindAsync(phone, query);
            }
        }
    }

    [Theory]
    [InlineData("", 20)]
    [InlineData("   ", 20)]
    [InlineData("a", 0)]
    [InlineData("a", Limits.SearchSessions + 1)]
    public async Task A_search_for_nothing_or_for_too_much_is_refused(string query, int limit)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        foreach (var asked in (string[])[query, query + new string('x', Limits.SearchCharacters + 1)])
        {
            var refused = await Assert.ThrowsAsync<WireErrorException>(() => FindAsync(phone, asked, limit));
            Assert.Equal(ErrorCode.InvalidRequest, refused.Error.Code);
        }
    }

    [Fact]
    public async Task Of_many_messages_each_is_indexed_once_and_the_excerpt_is_short()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync($"{new string('a', 5_000)} needle {string.Concat(Enumerable.Repeat("😀", 2_000))}");
        await phone.DoneAsync();
        for (var i = 0; i < 5; i++)
        {
            await phone.PromptAsync(session, $"again: {i}\nneedle number {i}");
            await phone.DoneAsync();
            await Task.WhenAll(FindAsync(phone, "needle"), FindAsync(phone, "needle"));
        }

        var hit = Assert.Single((await FindAsync(phone, "needle")).Hits);
        Assert.Equal(12, hit.Messages);
        var long1 = Assert.Single((await FindAsync(phone, $"{new string('a', 60)} needle")).Hits);
        Assert.True(long1.Excerpt.Length < 300, $"{long1.Excerpt.Length}");
        Assert.Equal(long1.Excerpt, new string([.. long1.Excerpt.EnumerateRunes().SelectMany(r => r.ToString())])); // no half of a pair
    }

    private static async Task<AgentSessionsSearchResponse> FindAsync(Phone phone, string query, int limit = 20)
    {
        AgentSessionsSearchResponse? found = null;
        await Wait.UntilAsync(
            async () => !(found = await phone.Device.AskAsync(
                MessageTypes.AgentSessionsSearch, new AgentSessionsSearchRequest(query, limit),
                ProtocolJson.Default.AgentSessionsSearchRequest, ProtocolJson.Default.AgentSessionsSearchResponse)).Behind,
            "all is indexed");
        return found!;
    }
}
