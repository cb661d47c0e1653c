using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.People;

/// <summary>
/// Names of the people whose devices decide: the same letters that accounts at a gateway have, so that none looks like another. Pure.
/// </summary>
public static class PersonName
{
    /// <summary>The person who owns the machine: at its command line, and of each device that the owner calls so.</summary>
    public const string Owner = "owner";

    /// <summary>The most letters of one.</summary>
    public const int MostLetters = 64;

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static string Require(string name)
        => name.Length is >= 1 and <= MostLetters
            && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '@' or '+' or '-')
            ? name
            : throw new RequestFailure(
                ErrorCode.InvalidRequest,
                $"A person's name has 1 to {MostLetters} of a-z, 0-9 and . _ @ + -, as an account at a gateway. Your own devices: {Owner}");
}
