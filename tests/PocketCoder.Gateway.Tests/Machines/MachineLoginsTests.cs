using System.Net;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Gateway.Throttling;
using PocketCoder.Link;
using PocketCoder.Testing;

namespace PocketCoder.Gateway.Tests.Machines;

/// <summary>Machines that wait for a person: how long, how many, and what is told to whom.</summary>
public sealed class MachineLoginsTests
{
    private static readonly Caller s_home = new(IPAddress.Parse("192.0.2.1"), null);

    private readonly ManualTime _time = new();
    private readonly MachineLogins _logins;

    public MachineLoginsTests() => _logins = new MachineLogins(_time);

    [Fact]
    public void A_machine_is_found_by_its_code_in_every_way_to_type_it()
    {
        var code = Begin("1");
        Assert.Matches("^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$", code);
        foreach (var typed in (string[])[code, code.ToLowerInvariant(), code.Replace("-", "", StringComparison.Ordinal), $" {code[..4]} {code[5..]} "])
        {
            Assert.Equal("1", _logins.Find(typed)?.MachineId);
        }

        var changed = (code[0] == 'A' ? "B" : "A") + code[1..];
        foreach (var typed in (string[])["", "-", code[..8], code + "A", changed, new string('A', 1000), $"{code}{new string('-', 1000)}"])
        {
            Assert.Null(_logins.Find(typed));
        }
    }

    [Fact]
    public void It_waits_ten_minutes_by_either_clock()
    {
        var code = Begin("1");
        _time.Advance(MachineLogins.Life - TimeSpan.FromSeconds(1));
        Assert.NotNull(_logins.Find(code));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(_logins.Find(code));
        Assert.Equal(LinkAsks.Expired, _logins.Poll(Proof("1")).Code);

        code = Begin("1");
        _time.JumpWall(MachineLogins.Life); // it slept
        Assert.Null(_logins.Find(code));
        code = Begin("1");
        _time.JumpWall(-TimeSpan.FromHours(1));
        _time.Advance(MachineLogins.Life);
        Assert.Null(_logins.Find(code));
    }

    [Fact]
    public void Who_comes_too_early_is_told_to_slow_down_and_who_waits_is_not()
    {
        var first = _logins.Begin(Proof("1"), s_home, "desk");
        Assert.Equal((LinkAsks.Pending, 600, 5), (first.Code, first.Login!.ExpiresIn, first.Login.Interval));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(LinkAsks.Pending, _logins.Poll(Proof("1")).Code);
        _time.Advance(TimeSpan.FromSeconds(1));
        var early = _logins.Poll(Proof("1"));
        Assert.Equal((LinkAsks.SlowDown, 10), (early.Code, early.Login!.Interval));
        _time.Advance(TimeSpan.FromSeconds(10));
        var patient = _logins.Poll(Proof("1"));
        Assert.Equal((LinkAsks.Pending, 10, 584), (patient.Code, patient.Login!.Interval, patient.Login.ExpiresIn));
        for (var i = 0; i < 100; i++)
        {
            Assert.InRange(_logins.Poll(Proof("1")).Login!.Interval, 10, 60);
        }
    }

    [Fact]
    public void Asking_once_more_ends_what_was_asked_before()
    {
        var old = Begin("1");
        var id = _logins.Find(old)!.Id;
        var code = Begin("1");
        Assert.NotEqual(old, code);
        Assert.Null(_logins.Find(old));
        Assert.Null(_logins.Decide(id, yes: true)); // what was seen is not what waits now
        Assert.NotNull(_logins.Find(code));
        Assert.Equal(1, _logins.Count);
        _logins.Forget(Proof("1"));
        Assert.Equal(0, _logins.Count);
    }

    [Fact]
    public void The_same_id_with_another_key_is_another_request()
    {
        var code = Begin("1");
        var stranger = _logins.Begin(Proof("1", "stranger"), s_home, "desk").Login!.Code;
        Assert.Equal("key", _logins.Find(code)?.SigningKey);
        Assert.Equal("stranger", _logins.Find(stranger)?.SigningKey);
        Assert.NotNull(_logins.Decide(_logins.Find(stranger)!.Id, yes: false));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(LinkAsks.Pending, _logins.Poll(Proof("1")).Code); // the no was the stranger's
    }

    [Fact]
    public void A_decision_is_taken_once_and_a_no_is_told_once()
    {
        var id = _logins.Find(Begin("1"))!.Id;
        Assert.Null(_logins.Decide("another", yes: true));
        Assert.Equal("1", _logins.Decide(id, yes: true)?.MachineId);
        Assert.Null(_logins.Decide(id, yes: true));
        Assert.Null(_logins.Decide(id, yes: false));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(LinkAsks.Pending, _logins.Poll(Proof("1")).Code); // it is being carried out
        _logins.Undecide(id);
        Assert.NotNull(_logins.Decide(id, yes: true));
        _logins.End(id);
        Assert.Equal(0, _logins.Count);

        id = _logins.Find(Begin("2"))!.Id;
        Assert.NotNull(_logins.Decide(id, yes: false));
        Assert.Equal(LinkAsks.Refused, _logins.Poll(Proof("2")).Code);
        Assert.Equal(LinkAsks.Expired, _logins.Poll(Proof("2")).Code);
    }

    [Fact]
    public void So_many_wait_and_nobody_is_pushed_out_by_others()
    {
        var code = Begin("mine");
        for (var i = 1; i < MachineLogins.MostOfCaller; i++)
        {
            Begin($"{i}");
        }

        Assert.Equal(LinkAsks.Busy, _logins.Begin(Proof("more"), s_home, "desk").Code);
        var (address, kept) = (0, MachineLogins.MostOfCaller);
        for (; kept < MachineLogins.Most; kept++)
        {
            address += kept % MachineLogins.MostOfCaller == 0 ? 1 : 0;
            var other = new Caller(IPAddress.Parse($"198.51.100.{address}"), null);
            Assert.Equal(LinkAsks.Pending, _logins.Begin(Proof($"other {kept}"), other, "x").Code);
        }

        Assert.Equal(MachineLogins.Most, _logins.Count);
        Assert.Equal(LinkAsks.Busy, _logins.Begin(Proof("last"), new Caller(IPAddress.Parse("203.0.113.9"), null), "x").Code);
        Assert.Equal("mine", _logins.Find(code)?.MachineId);
        _time.Advance(MachineLogins.Life);
        Assert.Equal(0, _logins.Count);
        Begin("more");
    }

    [Fact]
    public void Addresses_of_one_subscriber_are_one()
    {
        for (var i = 0; i < MachineLogins.MostOfCaller; i++)
        {
            Assert.Equal(LinkAsks.Pending,
                _logins.Begin(Proof($"{i}"), new Caller(IPAddress.Parse($"2001:db8::{i + 1}"), null), "x").Code);
        }

        Assert.Equal(LinkAsks.Busy, _logins.Begin(Proof("5"), new Caller(IPAddress.Parse("2001:db8::ffff"), null), "x").Code);
    }

    [Fact]
    public void The_words_of_a_key_are_these_and_another_key_has_others()
    {
        // Written from docs/link.md: SHA-256 of domain, id and key, the first 64 bits as proquints.
        var words = LinkFingerprint.Of("id", "key");
        Assert.Matches("^([bdfghjklmnprstvz][aiou][bdfghjklmnprstvz][aiou][bdfghjklmnprstvz]-){3}[a-z]{5}$", words);
        Assert.Equal("hivog-dihuj-rufij-fipij", words);
        Assert.NotEqual(words, LinkFingerprint.Of("id", "other"));
        Assert.NotEqual(words, LinkFingerprint.Of("di", "key"));
    }

    private string Begin(string machine) => _logins.Begin(Proof(machine), s_home, "desk").Login!.Code;

    private static LinkProof Proof(string machine, string key = "key") => new(1, machine, key, "", "1.0");
}
