using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>
/// The steps of one session, one at a time and in order: bounded, any number of writers, one reader. Whoever finds it full waits.
/// Thread-safe.
/// </summary>
internal sealed class SessionMailbox(Guid session, ILogger logger)
{
    private readonly Channel<Func<Task>> _steps = Channel.CreateBounded<Func<Task>>(new BoundedChannelOptions(256) { SingleReader = true });

    /// <summary>Runs the steps until the mailbox is closed and empty. Called once.</summary>
    /// <param name="afterEach">Called after each step that did not fail.</param>
    public async Task RunAsync(Action afterEach)
    {
        await foreach (var step in _steps.Reader.ReadAllAsync())
        {
            try
            {
                await step();
                afterEach();
            }
            catch (Exception e)
            {
                // A session must outlive any one failure; callers with a question got theirs through their own task.
                SessionLog.StepFailed(logger, session, e);
            }
        }
    }

    /// <summary>Adds a step; waits while the mailbox is full.</summary>
    /// <exception cref="ChannelClosedException">The session is being stopped.</exception>
    public ValueTask WriteAsync(Func<Task> step) => _steps.Writer.WriteAsync(step);

    /// <summary>Adds a step unless the mailbox is full or closed.</summary>
    public bool TryWrite(Func<Task> step) => _steps.Writer.TryWrite(step);

    /// <summary>Adds a step, and drops it when the session is being stopped: its turn has ended, and with it whatever waited.</summary>
    public async Task PostAsync(Func<Task> step)
    {
        try
        {
            await WriteAsync(step);
        }
        catch (ChannelClosedException)
        {
            // nothing waits for it any more
        }
    }

    /// <summary>Does something after the current step, without making the caller wait.</summary>
    public void Later(Func<Task> step) => PostAsync(step).Observed(logger, "the next step of a session");

    /// <summary>Does something in its turn and returns its result, or throws what it threw.</summary>
    /// <exception cref="RequestFailure">UNAVAILABLE: the session is being stopped.</exception>
    public async Task<T> AskAsync<T>(Func<Task<T>> work)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await WriteAsync(async () =>
            {
                try
                {
                    answer.SetResult(await work());
                }
                catch (Exception e)
                {
                    answer.SetException(e);
                }
            });
        }
        catch (ChannelClosedException)
        {
            throw new RequestFailure(ErrorCode.Unavailable, "The machine is stopping. Try again when it is back.");
        }

        return await answer.Task;
    }

    /// <summary>No step is taken from now on; those that wait are done.</summary>
    public void Complete() => _steps.Writer.TryComplete();
}
