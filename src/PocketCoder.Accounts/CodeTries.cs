namespace PocketCoder.Accounts;

/// <summary>
/// Tries to type a short code, of a person and of an address: ten at once, then one each 30 s of the one and each 6 s of the other.
/// Thread-safe; in memory only.
/// </summary>
public sealed class CodeTries(TimeProvider time)
{
    private readonly Attempts _ofPerson = new(time, burst: 10, each: TimeSpan.FromSeconds(30));
    private readonly Attempts _ofCaller = new(time, burst: 10, each: TimeSpan.FromSeconds(6));

    /// <summary>Counts a try. One that was right is given back.</summary>
    /// <exception cref="AccountRefusal"><see cref="AccountError.TooFast"/>; it says when there is another.</exception>
    public void Take(Person person, Proof proof)
    {
        _ofPerson.Take(person.UserId);
        _ofCaller.Take(proof.Caller);
    }

    /// <summary>The code was right, so the try does not count.</summary>
    public void GiveBack(Person person, Proof proof)
    {
        _ofPerson.GiveBack(person.UserId);
        _ofCaller.GiveBack(proof.Caller);
    }
}
