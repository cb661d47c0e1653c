namespace PocketCoder.Machine.Starting;

/// <summary>One thing that a start needs of the home.</summary>
/// <param name="Name">In one word: <c>home</c>, <c>files</c>, <c>key</c>, <c>secrets</c>, <c>prices</c>, <c>database</c>.</param>
/// <param name="Found">Its state, in a few words.</param>
/// <param name="Problem">Why a start is refused; null: it is not.</param>
public sealed record StartCheck(string Name, string Found, StartProblem? Problem = null);

/// <summary>Why a start is refused: one cause in one sentence, and what to do.</summary>
public sealed record StartProblem(string Cause, string? Advice)
{
    public override string ToString() => Advice is null ? Cause : $"{Cause} {Advice}";
}
