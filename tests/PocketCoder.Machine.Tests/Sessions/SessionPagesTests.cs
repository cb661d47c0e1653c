using System.Text.Json;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Sessions;

public sealed class SessionPagesTests
{
    private static readonly DateTimeOffset s_begin = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void All_of_a_thousand_sessions_come_exactly_once_whatever_the_size_of_the_pages()
    {
        var all = Make(1_000, at: i => s_begin.AddSeconds(i / 7)); // seven at a time have the same time
        foreach (var limit in new[] { 1, 3, 50, 199, 500 })
        {
            var walked = new List<SessionInfo>();
            string? after = null;
            do
            {
                var (page, next) = SessionPages.Page(all.Values, limit, after);
                Assert.InRange(page.Count, 1, limit);
                walked.AddRange(page);
                after = next;
            }
            while (after is not null);

            Assert.Equal(all.Count, walked.Count);
            Assert.Equal(all.Count, walked.Select(s => s.AgentSessionId).Distinct().Count());
            Assert.Equal(walked.OrderByDescending(s => s.UpdatedAt).Select(s => s.UpdatedAt), walked.Select(s => s.UpdatedAt));
        }
    }

    /// <summary>A client as the protocol describes it: what an event says counts before a page that was asked for earlier.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void What_changes_during_a_walk_is_neither_lost_nor_doubled(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 50; round++)
        {
            var all = Make(random.Next(1, 300), at: _ => s_begin.AddSeconds(random.Next(60)));
            var known = new Dictionary<Guid, SessionInfo>();
            var walked = new HashSet<Guid>();
            var late = new Queue<Action>(); // events that are still on their way
            var heard = new HashSet<Guid>();
            string? after = null;
            do
            {
                heard.Clear();
                Change(random.Next(10)); // between the question and the page's being read …
                var (page, next) = SessionPages.Page(all.Values, random.Next(1, 60), after);
                Change(random.Next(10)); // … and before it is there
                Arrive(random.Next(late.Count + 1));
                foreach (var session in page)
                {
                    Assert.True(walked.Add(session.AgentSessionId), "a session came twice in one walk");
                    if (!heard.Contains(session.AgentSessionId))
                    {
                        known[session.AgentSessionId] = session;
                    }
                }

                after = next;
            }
            while (after is not null);

            Arrive(late.Count);
            Assert.Equal(all.OrderBy(s => s.Key), known.OrderBy(s => s.Key));

            void Change(int count)
            {
                for (var i = 0; i < count; i++)
                {
                    var now = s_begin.AddMinutes(2).AddMilliseconds(random.Next(1_000_000));
                    var what = random.Next(4);
                    if (what == 0)
                    {
                        Put(Session(Guid.CreateVersion7(), now));
                    }
                    else if (all.Count > 0)
                    {
                        var one = all.Values.ElementAt(random.Next(all.Count));
                        if (what == 1)
                        {
                            all.Remove(one.AgentSessionId);
                            late.Enqueue(() => { heard.Add(one.AgentSessionId); known.Remove(one.AgentSessionId); });
                        }
                        else
                        {
                            Put(one with
                            {
                                Title = $"changed {random.Next()}",
                                UpdatedAt = what == 2
                                && now > one.UpdatedAt ? now : one.UpdatedAt
                            });
                        }
                    }
                }
            }

            void Put(SessionInfo session)
            {
                all[session.AgentSessionId] = session;
                late.Enqueue(() => { heard.Add(session.AgentSessionId); known[session.AgentSessionId] = session; });
            }

            void Arrive(int count)
            {
                for (var i = 0; i < count; i++)
                {
                    late.Dequeue()();
                }
            }
        }
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(-1, null)]
    [InlineData(Limits.SessionsPage + 1, null)]
    [InlineData(int.MaxValue, null)]
    [InlineData(10, "")]
    [InlineData(10, ".")]
    [InlineData(10, "1")]
    [InlineData(10, "-1.00000000000000000000000000000000")]
    [InlineData(10, " 1.00000000000000000000000000000000")]
    [InlineData(10, "1.not-an-id")]
    [InlineData(10, "99999999999999999999.00000000000000000000000000000000")]
    [InlineData(null, "1.00000000-0000-0000-0000-000000000000")]
    public void What_is_no_page_is_refused(int? limit, string? after)
        => Assert.Equal(ErrorCode.InvalidRequest,
            Assert.Throws<RequestFailure>(() => SessionPages.Page(Make(3, _ => s_begin).Values, limit, after)).Error.Code);

    [Fact]
    public void An_answer_that_is_too_large_for_a_message_is_an_error_that_says_so_instead_of_the_connection_s_end()
    {
        var largest = new byte[Limits.MessageBytes];
        Assert.Same(largest, Message.Bounded("7", largest));
        var error = JsonSerializer.Deserialize(Message.Bounded("7", new byte[Limits.MessageBytes + 1]), ProtocolJson.Default.Envelope)!;
        Assert.Equal(("7", ErrorCode.InvalidRequest), (error.RequestId, error.Error!.Code));
    }

    [Fact]
    public async Task The_home_screen_s_first_page_tells_where_the_others_are_and_an_older_app_gets_all_at_once()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var made = new List<Guid>();
        for (var i = 0; i < 12; i++)
        {
            made.Add(await phone.StartAsync($"session {i}"));
            await phone.DoneAsync();
        }

        var whole = await phone.Device.AskRawAsync(MessageTypes.MachineState, JsonDocument.Parse("{}").RootElement);
        Assert.Equal(12, whole.Payload!.Value.GetProperty("sessions").GetArrayLength());
        Assert.Equal(JsonValueKind.Null, whole.Payload!.Value.GetProperty("nextSessions").ValueKind);

        var first = await StateAsync(phone.Device, 5);
        Assert.Equal(made.TakeLast(5).Reverse(), first.Sessions.Select(s => s.AgentSessionId)); // those that changed last
        var walked = first.Sessions.Select(s => s.AgentSessionId).ToList();
        for (var next = first.NextSessions; next is not null;)
        {
            var page = await ListAsync(phone.Device, new AgentSessionsListRequest(Limit: 3, After: next));
            Assert.InRange(page.Sessions.Count, 1, 3);
            walked.AddRange(page.Sessions.Select(s => s.AgentSessionId));
            next = page.Next;
        }

        Assert.Equal(made, walked.AsEnumerable().Reverse());
        Assert.Empty((await ListAsync(
            phone.Device, new AgentSessionsListRequest(ProjectId: Guid.CreateVersion7(), Limit: 3, After: first.NextSessions))).Sessions);
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => StateAsync(phone.Device, Limits.SessionsPage + 1));
        Assert.Equal(ErrorCode.InvalidRequest, refused.Error.Code);
    }

    private static Task<MachineStateResponse> StateAsync(TestDevice device, int? sessions)
        => device.AskAsync(MessageTypes.MachineState, new MachineStateRequest(sessions), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);

    private static Task<AgentSessionsListResponse> ListAsync(TestDevice device, AgentSessionsListRequest request)
        => device.AskAsync(MessageTypes.AgentSessionsList, request, ProtocolJson.Default.AgentSessionsListRequest,
            ProtocolJson.Default.AgentSessionsListResponse);

    private static Dictionary<Guid, SessionInfo> Make(int count, Func<int, DateTimeOffset> at)
        => Enumerable.Range(0, count).Select(i => Session(Guid.CreateVersion7(), at(i))).ToDictionary(s => s.AgentSessionId);

    private static SessionInfo Session(Guid id, DateTimeOffset at)
        => new(id, Guid.Empty, "stub", "a title", SessionState.Idle, null, null, null, SandboxKind.None, 0, false, false, s_begin, at,
            new UsageInfo(0, 0, 0, 0, null), 1);
}
