// The one place where tests wait for time to pass.
#pragma warning disable RS0030

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace PocketCoder.Testing;

/// <summary>Waits for a condition with a limit; tests never sleep for luck.</summary>
public static class Wait
{
    private const int MostSlowness = 6;

    /// <summary>How long a limit that is set ahead may be, by what was measured while all test programs began at once.</summary>
    private const int MostAhead = 3;

    /// <summary>What <see cref="Work"/> takes on a quiet machine of two cores at 2.5 GHz.</summary>
    private static readonly TimeSpan s_nominal = TimeSpan.FromMilliseconds(60);

    private static readonly TimeSpan s_quietLimit = TimeSpan.FromSeconds(90);

    /// <summary>How slow this machine was when the test program began, against a quiet one: 1 to 6.</summary>
    public static readonly double Slowness = Measure();

    /// <summary>
    /// How long something may take before the test fails, where it can't be looked at while it goes on: 90 s, times
    /// <see cref="Slowness"/>, at most 270 s. It tells a program that hangs from one that is slow; it is no measure of speed.
    /// </summary>
    public static readonly TimeSpan Limit = s_quietLimit * Math.Min(Slowness, MostAhead);

    /// <summary>Polls <paramref name="condition"/> every 10 ms until it holds.</summary>
    /// <param name="limit">Another limit than 90 s, times how slow the machine is when they are over.</param>
    /// <exception cref="TimeoutException">The condition did not hold within the limit.</exception>
    public static Task UntilAsync(Func<bool> condition, string what, TimeSpan? limit = null)
        => UntilAsync(() => ValueTask.FromResult(condition()), what, limit);

    /// <inheritdoc cref="UntilAsync(Func{bool}, string, TimeSpan?)"/>
    public static async Task UntilAsync(Func<ValueTask<bool>> condition, string what, TimeSpan? limit = null)
        => await SeeAsync(condition, static holds => holds, what, limit);

    /// <summary>Looks every 10 ms until what it sees fits, and gives that.</summary>
    /// <exception cref="TimeoutException">Nothing that fits was seen within the limit; the message says what was seen last.</exception>
    public static async Task<T> SeeAsync<T>(
        Func<ValueTask<T>> look, Func<T, bool> fits, string what, TimeSpan? limit = null,
        [CallerArgumentExpression(nameof(fits))] string expected = "")
    {
        var most = limit ?? s_quietLimit;
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var seen = await look();
            if (fits(seen))
            {
                return seen;
            }

            if (Stopwatch.GetElapsedTime(began) > most)
            {
                // A machine that is busy now was perhaps not when the program began, and the other way round.
                var longer = limit ?? s_quietLimit * Measure();
                if (longer <= most)
                {
                    var last = seen is bool ? "" : $"; wanted: {expected}; last seen: {seen}";
                    throw new TimeoutException($"waited {most.TotalSeconds:0} s for: {what}{last}");
                }

                most = longer;
            }

            await Task.Delay(10);
        }
    }

    /// <inheritdoc cref="SeeAsync{T}(Func{ValueTask{T}}, Func{T, bool}, string, TimeSpan?, string)"/>
    public static Task<T> SeeAsync<T>(
        Func<T> look, Func<T, bool> fits, string what, TimeSpan? limit = null,
        [CallerArgumentExpression(nameof(fits))] string expected = "")
        => SeeAsync(() => ValueTask.FromResult(look()), fits, what, limit, expected);

    /// <summary>Waits for a file that ends with a line's end, as what <c>echo</c> writes: a file is there before its text is.</summary>
    /// <returns>Its text.</returns>
    /// <exception cref="TimeoutException">There was no such file within the limit; the message says what it had last.</exception>
    public static Task<string> ForLinesAsync(string path, string what)
        => SeeAsync(() => File.Exists(path) ? File.ReadAllText(path) : "", static text => text.EndsWith('\n'), what);

    /// <summary>For a part that never answers: ends only when it is cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was.</exception>
    public static Task ForeverAsync(CancellationToken cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken);

    /// <summary>
    /// For what plays a program that takes its time, and for the moment of a crash that is drawn by lot. A test never waits for another
    /// program this way.
    /// </summary>
    public static Task PauseAsync(int milliseconds, CancellationToken cancellationToken)
        => milliseconds > 0 ? Task.Delay(milliseconds, cancellationToken) : Task.CompletedTask;

    private static double Measure()
    {
        Work();
        var began = Stopwatch.GetTimestamp();
        Work();
        return Math.Clamp(Stopwatch.GetElapsedTime(began) / s_nominal, 1, MostSlowness);
    }

    /// <summary>Some work for the processor that takes as long each time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static ulong Work()
    {
        var x = 88_172_645_463_325_252UL;
        for (var i = 0; i < 25_000_000; i++)
        {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }

        return x;
    }
}
