using PocketCoder.Agents;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Sessions.Watching;

/// <summary>What a silent turn is said to be busy with, and when it is too long.</summary>
public sealed class TurnWatchTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly ManualTime _time = new();

    [Fact]
    public void A_turn_starts_thinks_runs_a_tool_and_thinks_again_each_since_it_began()
    {
        var watch = Begun(starting: true);
        Assert.Equal(new QuietInfo(QuietKind.Starting, _time.GetUtcNow()), watch.Why(true));
        Pass(2);
        watch.Started();
        var thinking = _time.GetUtcNow();
        Pass(3);
        watch.Heard(new AgentBlock("b", BlockKind.Text, "I will run the tests."));
        Assert.Equal(new QuietInfo(QuietKind.Thinking, thinking), watch.Why(true));
        watch.Heard(new AgentToolUse("t", "bash", ToolKind.Execute, "npm test\nmore", "{}"));
        var tool = _time.GetUtcNow();
        Pass(300);
        Assert.Equal(new QuietInfo(QuietKind.Tool, tool, "bash: npm test"), watch.Why(true));
        watch.Heard(new AgentToolResult("t", false, "ok"));
        Assert.Equal(new QuietInfo(QuietKind.Thinking, _time.GetUtcNow()), watch.Why(true));
    }

    [Fact]
    public void A_retry_tells_its_error_its_number_and_when_it_is_tried_again_until_an_answer_comes()
    {
        var watch = Begun();
        var since = _time.GetUtcNow();
        watch.Heard(new AgentActivity(ActivityKind.Retrying)
        { Attempt = 3, MaxAttempts = 10, Delay = TimeSpan.FromSeconds(12), Detail = "overloaded 529" });
        Assert.Equal(new QuietInfo(QuietKind.Retrying, since, "overloaded 529", since.AddSeconds(12), 3, 10), watch.Why(true));
        Pass(12);
        watch.Heard(new AgentActivity(ActivityKind.Requesting));
        Assert.Equal(QuietKind.Retrying, watch.Why(true).Kind); // it is being tried
        watch.Answered();
        Assert.Equal(QuietKind.Thinking, watch.Why(true).Kind);
    }

    [Fact]
    public void Without_a_network_a_retry_is_the_networks_fault_unless_the_provider_answered_with_a_status()
    {
        var watch = Begun();
        watch.Heard(new AgentActivity(ActivityKind.Retrying) { Detail = "connection refused" });
        Assert.Equal(QuietKind.Network, watch.Why(isNetworkUp: false).Kind);
        Assert.Equal(QuietKind.Retrying, watch.Why(isNetworkUp: true).Kind);
        watch.Heard(new AgentActivity(ActivityKind.Retrying) { Detail = "overloaded (529)" });
        Assert.Equal((QuietKind.Retrying, 2), (watch.Why(isNetworkUp: false).Kind, watch.Why(isNetworkUp: false).Attempt));
    }

    [Fact]
    public void After_a_minute_of_nothing_it_is_silent_and_what_the_process_does_is_told()
    {
        var watch = Begun();
        var last = _time.GetUtcNow();
        Pass(59);
        Assert.Equal(QuietKind.Thinking, watch.Why(true).Kind);
        Pass(1);
        Assert.Equal(new QuietInfo(QuietKind.Silent, last), watch.Why(true));
        watch.Saw(ProcessState.Sleeps);
        Assert.Equal("the process sleeps", watch.Why(true).Detail);
        watch.Saw(ProcessState.Works);
        Assert.Equal("the process works", watch.Why(true).Detail);
        Assert.Equal(QuietKind.Network, watch.Why(isNetworkUp: false).Kind);
        watch.Sign();
        Assert.Equal(QuietKind.Thinking, watch.Why(true).Kind);
    }

    [Fact]
    public void A_process_that_is_gone_is_told_before_everything_else()
    {
        var watch = Begun();
        watch.Waits(true);
        watch.Saw(ProcessState.Gone);
        var since = _time.GetUtcNow();
        Pass(10);
        watch.Saw(ProcessState.Gone);
        Assert.Equal(new QuietInfo(QuietKind.Dead, since), watch.Why(true));
        Assert.Equal(TimeSpan.FromSeconds(10), watch.GoneFor);
    }

    [Fact]
    public void Silence_stops_a_turn_but_not_while_a_person_is_asked_or_a_command_of_ours_runs()
    {
        var watch = Begun(new TurnLimits { Silence = TimeSpan.FromMinutes(30) });
        watch.Waits(true);
        Pass(7200);
        Assert.Null(watch.Overdue(false));
        watch.Waits(false);
        Pass(1799);
        Assert.Null(watch.Overdue(false));
        Pass(1);
        Assert.Null(watch.Overdue(isOursBusy: true));
        Assert.Contains("silent for 30 min", watch.Overdue(false), StringComparison.Ordinal);
    }

    [Fact]
    public void A_turns_time_is_limited_only_when_told_and_without_what_it_waited_for_a_person()
    {
        var watch = Begun(new TurnLimits { Turn = TimeSpan.FromMinutes(1) });
        watch.Waits(true);
        Pass(600);
        watch.Waits(false);
        Pass(59);
        watch.Sign();
        Assert.Null(watch.Overdue(false));
        Pass(1);
        Assert.Contains("longer than 1 min", watch.Overdue(false), StringComparison.Ordinal);

        watch = Begun();
        for (var hour = 0; hour < 48; hour++)
        {
            watch.Sign();
            Assert.Null(watch.Overdue(false));
            Pass(1700);
        }
    }

    [Fact]
    public void Retries_have_a_budget_of_number_and_time_which_a_whole_answer_renews_and_the_start_of_one_does_not()
    {
        var watch = Begun(new TurnLimits { Retries = 2, RetryTime = TimeSpan.FromMinutes(15) });
        Retry(watch);
        Retry(watch);
        Assert.Null(watch.Overdue(false));
        watch.Answered(); // the beginning of an answer, and the stream broke again
        Retry(watch);
        Assert.Contains("after 3 failed requests to the model provider (overloaded 529)", watch.Overdue(false), StringComparison.Ordinal);
        watch.Heard(new AgentBlock("b", BlockKind.Text, "whole"));
        Assert.Null(watch.Overdue(false));

        Retry(watch);
        for (var minute = 0; minute < 15; minute++)
        {
            Assert.Null(watch.Overdue(false));
            watch.Sign();
            Pass(60);
        }

        Assert.Contains("for 15 min", watch.Overdue(false), StringComparison.Ordinal);
        watch.Begin(starting: false);
        Assert.Null(watch.Overdue(false));
    }

    private static void Retry(TurnWatch watch) => watch.Heard(new AgentActivity(ActivityKind.Retrying) { Detail = "overloaded 529" });

    private TurnWatch Begun(TurnLimits? limits = null, bool starting = false)
    {
        var watch = new TurnWatch(limits ?? TurnLimits.Default, _time);
        watch.Begin(starting);
        return watch;
    }

    private void Pass(int seconds) => _time.Advance(s_second * seconds);
}
