using System.Globalization;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Output;

/// <summary>What a working session is busy with, and for how long: <c>working: bash: npm test, 2 min</c>.</summary>
internal static class QuietShown
{
    private const int Longest = 60;

    /// <summary>Null when no turn runs. By the machine's clock, which is this one's.</summary>
    public static string? Of(SessionInfo session, DateTimeOffset now)
    {
        if (session.Quiet is not { } quiet)
        {
            return null;
        }

        var words = quiet.Kind == QuietKind.Waiting ? "needs you"
            : $"working: {Short(session.Activity ?? quiet.Kind.ToString().ToLowerInvariant())}";
        return quiet is { Kind: QuietKind.Retrying, NextAt: { } next } && next > now
            ? string.Create(CultureInfo.InvariantCulture, $"{words}, in {Math.Ceiling((next - now).TotalSeconds)} s")
            : $"{words}, {Span(now - quiet.Since)}";
    }

    private static string Short(string words) => words.Length <= Longest ? words
        : string.Concat(words.AsSpan(0, char.IsHighSurrogate(words[Longest - 2]) ? Longest - 2 : Longest - 1), "…");

    private static string Span(TimeSpan span) => span.TotalMinutes < 1
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, (int)span.TotalSeconds)} s")
        : span.TotalHours < 1 ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalMinutes} min")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours} h {span.Minutes} min");
}
