using System.Globalization;
using System.Net;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// Waits for the daemon's answers, with a limit for each step: while one does not come, the daemon is asked on a connection of its own
/// whether it lives (<c>GET /health</c>). Thread-safe.
/// </summary>
internal sealed class DaemonWatch : IDisposable
{
    private readonly Home _home;
    private readonly ControlLimits _limits;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _beats;

    /// <param name="connect">Opens a connection to the daemon.</param>
    public DaemonWatch(Home home, ControlLimits limits, TimeProvider time,
        Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect)
    {
        (_home, _limits, _time) = (home, limits, time);
        // A new connection each time: whether the daemon still takes any is part of the question.
        _beats = new HttpMessageInvoker(new SocketsHttpHandler
        { UseProxy = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.Zero, ConnectCallback = connect });
    }

    /// <summary>Does one step of a request.</summary>
    /// <param name="most">The longest it may take while the daemon lives; infinite: as long as that does.</param>
    /// <exception cref="DaemonNotAnswering">The daemon gave no sign of life for too long, or did not come to an end with this
    /// step.</exception>
    public async Task<T> WaitAsync<T>(Func<CancellationToken, Task<T>> step, TimeSpan most, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var working = step(over.Token);
        if (working.IsCompleted)
        {
            return await working;
        }

        var watching = WatchAsync(most, over.Token);
        await Task.WhenAny(working, watching);
        await over.CancelAsync();
        // An answer that came in the last moment counts.
        if (working.IsCompletedSuccessfully)
        {
            return await working;
        }

        if (watching is { IsCompletedSuccessfully: true })
        {
            _ = working.ContinueWith(
                static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            throw await watching;
        }

        return await working;
    }

    public void Dispose() => _beats.Dispose();

    /// <summary>Ends with the reason to give up; else with the cancellation.</summary>
    private async Task<DaemonNotAnswering> WatchAsync(TimeSpan most, CancellationToken ct)
    {
        var began = _time.GetTimestamp();
        var (answered, sign) = (began, began);
        await Task.Delay(_limits.Quiet, _time, ct);
        for (var used = -1L; ;)
        {
            var holder = DaemonLock.Holder(_home);
            if (await BeatsAsync(ct))
            {
                answered = sign = _time.GetTimestamp();
            }
            else
            {
                var usage = holder?.Usage;
                if (usage is { IsStopped: true })
                {
                    return new DaemonNotAnswering(string.Create(CultureInfo.InvariantCulture,
                        $"The daemon does not answer: its process is stopped by a signal. Resume it: kill -CONT {holder!.Pid}. Or stop it: pocketcoder stop"));
                }

                if (usage is { } now && now.CpuTicks > used)
                {
                    (used, sign) = (now.CpuTicks, used < 0 ? sign : _time.GetTimestamp());
                }

                if (_time.GetElapsedTime(sign) >= _limits.Silence || _time.GetElapsedTime(answered) >= _limits.Most)
                {
                    var who = holder is null ? "" : string.Create(CultureInfo.InvariantCulture, $" (pid {holder.Pid})");
                    return new DaemonNotAnswering(
                        $"The daemon{who} has not answered for {_time.GetElapsedTime(answered).TotalSeconds:0} s. Stop it: pocketcoder stop. Its log may say why: pocketcoder logs");
                }
            }

            if (most != Timeout.InfiniteTimeSpan && _time.GetElapsedTime(began) >= most)
            {
                return new DaemonNotAnswering(
                    $"The daemon lives, but did not finish this within {most.TotalSeconds:0} s; it may or may not finish later. Its log may say why: pocketcoder logs");
            }

            await Task.Delay(_limits.Beat, _time, ct);
        }
    }

    private async Task<bool> BeatsAsync(CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_limits.Beat);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://daemon/health");
            using var answer = await _beats.SendAsync(request, limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
        catch (HttpRequestException)
        {
            return true; // refused, or closed at once: something answers, or the request itself learns that nothing is there
        }
    }
}

/// <summary>A daemon has the home, but gives no answer; the message says what to do.</summary>
public sealed class DaemonNotAnswering(string message, Exception? inner = null) : ControlException(ErrorCode.Unavailable, message, inner)
{
    /// <summary>It takes no requests at all: it starts, or it stops.</summary>
    public bool IsBetween { get; init; }
}
