using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using PocketCoder.Gateway.Throttling;
using PocketCoder.Link;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>
/// Machines that proved their key and wait for a person to let them in (docs/link.md, login). In memory only: a restart ends them all.
/// What a person says yes to is one key; the code only finds it and is worth nothing to anybody else. Thread-safe; bounded in all and for
/// each address, and one more is refused: nobody's request is pushed out by somebody else's.
/// </summary>
internal sealed class MachineLogins(TimeProvider time)
{
    /// <summary>How long a person has to decide.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(10);

    /// <summary>Machines that wait at once.</summary>
    public const int Most = 256;

    /// <summary>Of one address, or of one local user.</summary>
    public const int MostOfCaller = 4;

    /// <summary>Of a code, without its hyphen: 40 bits.</summary>
    private const int CodeCharacters = 8;

    /// <summary>Of what is typed as a code.</summary>
    private const int MostTyped = 64;

    private const string Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"; // 32, without I and O, 0 and 1
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_longestInterval = TimeSpan.FromSeconds(60);

    /// <summary>Who waits exactly as long as told is never early.</summary>
    private static readonly TimeSpan s_slack = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new(); // guards all that follows
    private readonly Dictionary<(string MachineId, string SigningKey), Waiting> _waiting = [];

    /// <summary>Machines that wait now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                DropEnded();
                return _waiting.Count;
            }
        }
    }

    /// <summary>What a machine is told that nobody has let in yet. What it asked before is over: there is one code of each key.</summary>
    /// <param name="proof">Of a key that was checked.</param>
    /// <param name="label">What can be shown of it.</param>
    public LinkRefusal Begin(LinkProof proof, Caller caller, string label)
    {
        var counted = caller.Counted;
        lock (_gate)
        {
            DropEnded();
            _waiting.Remove((proof.MachineId, proof.SigningKey));
            if (_waiting.Count >= Most || _waiting.Values.Count(w => w.Caller == counted) >= MostOfCaller)
            {
                return new LinkRefusal(LinkAsks.Busy,
                    "Too many machines wait to be let in here. Each is given up after ten minutes; then try again.");
            }

            var now = time.GetUtcNow();
            var machine = new MachineLogin(
                Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), proof.MachineId, proof.SigningKey, label,
                MachineLabels.Shown(proof.Version, "?"), caller.Address, now, now + Life);
            var waiting = new Waiting(machine, NewCode(), counted, time.GetTimestamp()) { Interval = s_interval };
            _waiting[(proof.MachineId, proof.SigningKey)] = waiting;
            return Pending(waiting);
        }
    }

    /// <summary>What a machine is told that comes again. A no is told once.</summary>
    public LinkRefusal Poll(LinkProof proof)
    {
        lock (_gate)
        {
            DropEnded();
            var key = (proof.MachineId, proof.SigningKey);
            if (!_waiting.TryGetValue(key, out var waiting))
            {
                return new LinkRefusal(LinkAsks.Expired, "Nobody let this machine in in time. Type again: pocketcoder login");
            }

            if (waiting.State == Decision.No)
            {
                _waiting.Remove(key);
                return new LinkRefusal(LinkAsks.Refused, "Somebody at the gateway refused this machine.");
            }

            var (before, now) = (waiting.Seen, time.GetTimestamp());
            waiting.Seen = now;
            if (time.GetElapsedTime(before, now) + s_slack >= waiting.Interval)
            {
                return Pending(waiting);
            }

            waiting.Interval = waiting.Interval + s_interval < s_longestInterval ? waiting.Interval + s_interval : s_longestInterval;
            return Pending(waiting) with { Code = LinkAsks.SlowDown, Message = "This machine asks too often." };
        }
    }

    /// <summary>The machine asks no more.</summary>
    public void Forget(LinkProof proof)
    {
        lock (_gate)
        {
            _waiting.Remove((proof.MachineId, proof.SigningKey));
        }
    }

    /// <summary>The machine on whose screen this code stands; null: none, or not any more.</summary>
    /// <param name="typed">In letters of either case, with blanks or hyphens for reading.</param>
    public MachineLogin? Find(string typed)
    {
        if (typed.Length > MostTyped)
        {
            return null;
        }

        var code = new string([.. typed.ToUpperInvariant().Where(char.IsAsciiLetterOrDigit)]);
        lock (_gate)
        {
            DropEnded();
            return _waiting.Values.FirstOrDefault(w => w.State == Decision.None && w.Code == code)?.Machine;
        }
    }

    /// <summary>
    /// Takes a decision on the request with this id, once: while it is carried out nobody else decides. Null: there is no such request, or
    /// somebody has decided. After a yes <see cref="End"/> or <see cref="Undecide"/> follows.
    /// </summary>
    public MachineLogin? Decide(string id, bool yes)
    {
        lock (_gate)
        {
            DropEnded();
            if (_waiting.Values.FirstOrDefault(w => w.State == Decision.None && w.Machine.Id == id) is not { } waiting)
            {
                return null;
            }

            waiting.State = yes ? Decision.Yes : Decision.No;
            return waiting.Machine;
        }
    }

    /// <summary>The yes was carried out: the machine is known.</summary>
    public void End(string id) => Change(id, remove: true);

    /// <summary>The yes could not be carried out: it can be said again.</summary>
    public void Undecide(string id) => Change(id, remove: false);

    private void Change(string id, bool remove)
    {
        lock (_gate)
        {
            // Not there: the machine asked anew meanwhile, and what it asked before is over.
            if (_waiting.FirstOrDefault(w => w.Value.Machine.Id == id) is { Value: { } waiting } entry)
            {
                waiting.State = Decision.None;
                if (remove)
                {
                    _waiting.Remove(entry.Key);
                }
            }
        }
    }

    /// <summary>By both clocks: one does not run while the computer sleeps, the other can be set back.</summary>
    private void DropEnded()
    {
        var (now, stamp) = (time.GetUtcNow(), time.GetTimestamp());
        foreach (var (key, waiting) in _waiting)
        {
            if (now >= waiting.Machine.EndsAt || time.GetElapsedTime(waiting.Began, stamp) >= Life)
            {
                _waiting.Remove(key);
            }
        }
    }

    private string NewCode()
    {
        while (true)
        {
            var code = new string(RandomNumberGenerator.GetItems<char>(Alphabet, CodeCharacters));
            if (_waiting.Values.All(w => w.Code != code))
            {
                return code;
            }
        }
    }

    private LinkRefusal Pending(Waiting waiting)
    {
        Debug.Assert(waiting.Code.Length == CodeCharacters, "two halves of the same length");
        var left = Life - time.GetElapsedTime(waiting.Began);
        return new LinkRefusal(LinkAsks.Pending, "Nobody has let this machine in yet.", new LinkLogin(
            $"{waiting.Code[..(CodeCharacters / 2)]}-{waiting.Code[(CodeCharacters / 2)..]}",
            (int)Math.Ceiling(left.TotalSeconds), (int)waiting.Interval.TotalSeconds));
    }

    private enum Decision
    {
        None,
        Yes,
        No,
    }

    private sealed class Waiting(MachineLogin machine, string code, Caller caller, long began)
    {
        public MachineLogin Machine => machine;

        public string Code => code;

        public Caller Caller => caller;

        public long Began { get; } = began;

        public long Seen { get; set; } = began;

        public TimeSpan Interval { get; set; }

        public Decision State { get; set; }
    }
}

/// <summary>A machine that waits for a person.</summary>
/// <param name="Id">Of this request, for those who found it by its code: nobody can guess it, and a new request has another one.</param>
/// <param name="SigningKey">The key that it proved, 65 bytes in base64url: a yes is for this one.</param>
/// <param name="Label">What it says that it is called.</param>
/// <param name="Version">What it says of its program.</param>
/// <param name="Remote">Where it asked from; null: nobody knows.</param>
internal sealed record MachineLogin(
    string Id, string MachineId, string SigningKey, string Label, string Version, IPAddress? Remote, DateTimeOffset AskedAt,
    DateTimeOffset EndsAt);
