using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// A running <c>opencode serve</c>: its process, requests to it and its stream of events. Only this process knows its password. Thread-safe.
/// </summary>
internal sealed partial class OpenCodeServer : IAsyncDisposable
{
    private const string Name = "OpenCode";

    /// <summary>Longest event read, and longest answer: a tool result with a 10 MB file in it is the longest that makes sense.</summary>
    private const int EventLimit = 16 * 1024 * 1024;

    private const int OutputLimit = 64 * 1024;

    /// <summary>From start to listening; four seconds on a quiet machine.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan ReplyLimit = TimeSpan.FromSeconds(30);

    /// <summary>The server says something every ten seconds.</summary>
    private static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan EndGrace = TimeSpan.FromSeconds(2);

    private readonly IAgentChild process;
    private readonly string directory;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly TimeProvider time;
    private readonly OutputCapture errorOutput = new(OutputLimit);
    private readonly EventPipe events = new();
    private readonly CancellationTokenSource closing = new();
    private readonly SemaphoreSlim saying = new(1, 1); // events in the order in which they were decided
    private readonly Task errorReading;
    private HttpClient? http;
    private Task? draining;
    private Task? pump;
    private readonly TurnActs acts;
    private int disposed;
    private bool ended;

    private OpenCodeServer(IAgentChild process, string directory, IReadOnlyDictionary<string, string> environment, TimeProvider time)
    {
        (this.process, this.directory, this.environment, this.time) = (process, directory, environment, time);
        acts = new TurnActs(time, FailAsync);
        errorReading = ReadErrorOutputAsync();
    }

    /// <summary>Guards what translates: the pump and the machine's calls both use it.</summary>
    public Lock State { get; } = new();

    public ProcessIdentity Process => process.Identity;

    public ChannelReader<AgentEvent> Events => events.Reader;

    public bool HasEnded => Volatile.Read(ref ended);

    /// <summary>Starts the program and waits until it listens.</summary>
    /// <param name="room">Starts it where it belongs; null: as a child of the daemon.</param>
    /// <param name="password">What requests carry; the program has it in its environment.</param>
    /// <exception cref="AgentException">It could not be started.</exception>
    public static async Task<OpenCodeServer> StartAsync(ProcessStart start, Func<ProcessStart, CancellationToken, Task<IAgentChild>>? room, string password, TimeProvider time, CancellationToken cancellationToken)
    {
        IAgentChild child;
        try
        {
            child = room is null ? new HostChild(OwnedProcess.Start(start, time)) : await room(start, cancellationToken);
        }
        catch (ProcessStartException e)
        {
            throw new AgentException(AgentError.FailedToStart, e.Message, e);
        }

        var server = new OpenCodeServer(child, start.WorkingDirectory, start.Environment, time);
        try
        {
            await server.ListensAsync(password, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins to read events. Returns once the server says that it sends them.</summary>
    /// <exception cref="AgentException">It does not, in time.</exception>
    public async Task ReadEventsAsync(OpenCodeTranslator translator, CancellationToken cancellationToken)
    {
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pump = PumpAsync(translator, connected);
        try
        {
            await connected.Task.WaitAsync(ReplyLimit, time, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw NoAnswer(e);
        }
    }

    /// <summary>Asks the server and waits.</summary>
    /// <exception cref="AgentException">No answer in time, or the program is gone.</exception>
    public async Task<OpenCodeReply> SendAsync(OpenCodeCall call, CancellationToken cancellationToken)
    {
        ThrowIfEnded();
        using var timer = new CancellationTokenSource(ReplyLimit, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, closing.Token, timer.Token);
        using var request = new HttpRequestMessage(call.Method, $"{call.Path}{(call.Path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}directory={Uri.EscapeDataString(directory)}");
        if (call.Body is not null)
        {
            request.Content = new ByteArrayContent(call.Body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        try
        {
            using var response = await http!.SendAsync(request, HttpCompletionOption.ResponseContentRead, limit.Token);
            using var document = LineJson.TryParse(await response.Content.ReadAsByteArrayAsync(limit.Token));
            return new OpenCodeReply((int)response.StatusCode, document?.RootElement.Clone() ?? default);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw closing.IsCancellationRequested || HasEnded ? Ended(e) : NoAnswer(e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or ObjectDisposedException)
        {
            throw Ended(e);
        }
    }

    /// <summary>Does what an output says, for output that did not come from the pump.</summary>
    public async Task CarryOutAsync(OpenCodeOutput output, CancellationToken cancellationToken)
    {
        acts.Begin(output.Acts);
        foreach (var call in output.Calls)
        {
            await CallAsync(call, cancellationToken);
        }

        if (output.Events.Count > 0) // else an interrupt would wait for a reader who waits for it
        {
            await SayAsync(() => output, cancellationToken);
        }
    }

    /// <summary>Decides under the lock and writes the events at once: nothing of another turn gets in between.</summary>
    public async Task<OpenCodeOutput> SayAsync(Func<OpenCodeOutput> decide, CancellationToken cancellationToken)
    {
        await saying.WaitAsync(cancellationToken);
        try
        {
            OpenCodeOutput output;
            lock (State)
            {
                output = decide();
            }

            foreach (var item in output.Events)
            {
                await events.WriteAsync(item, cancellationToken);
            }

            return output;
        }
        catch (ChannelClosedException)
        {
            return new OpenCodeOutput(); // the last word is said
        }
        finally
        {
            saying.Release();
        }
    }

    /// <summary>Stops what we do for the program in this turn; commands are killed.</summary>
    public Task StopActsAsync() => acts.StopAsync();

    /// <exception cref="AgentException">The program is gone.</exception>
    public void ThrowIfEnded()
    {
        if (HasEnded)
        {
            throw Ended(null);
        }
    }

    /// <summary>Why the program could not be used, from its own last words.</summary>
    public AgentException StartFailure(Exception? inner = null) => new(AgentError.FailedToStart, $"OpenCode ended before it was ready: {ErrorWords() ?? "it said nothing."}", inner);

    public string Redact(string text) => Redaction.Redact(text, environment);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            await (pump ?? Task.CompletedTask);
            return;
        }

        await StopActsAsync();
        await closing.CancelAsync();
        await process.KillAsync(EndGrace); // it cleans up nothing when asked to end, so there is nothing to wait for before
        await (pump ?? Task.CompletedTask);
        await (draining ?? Task.CompletedTask);
        await errorReading;
        http?.Dispose();
        await process.DisposeAsync();
        saying.Dispose();
        closing.Dispose();
        acts.Dispose();
    }

    private async Task ListensAsync(string password, CancellationToken cancellationToken)
    {
        var lines = new LineReader(process.StandardOutput, OutputLimit);
        using var timer = new CancellationTokenSource(StartLimit, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            while (await lines.ReadAsync(limit.Token) is { } line)
            {
                if (Listening().Match(Encoding.UTF8.GetString(line.Span)) is { Success: true } match
                    && int.TryParse(match.Groups["port"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= 65535)
                {
                    http = Client(port, password);
                    draining = DrainAsync(lines);
                    return;
                }
            }

            await Task.WhenAny(errorReading, Task.Delay(EndGrace, time, CancellationToken.None));
            throw StartFailure();
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AgentException(AgentError.TimedOut, $"OpenCode was not ready within {StartLimit.TotalSeconds:0} s.", e);
        }
        catch (Exception e) when (e is IOException or LineTooLongException)
        {
            throw new AgentException(AgentError.FailedToStart, $"OpenCode could not be understood: {e.Message}", e);
        }
    }

    private HttpClient Client(int port, string password)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false, // a proxy of the person's must not get what is meant for this machine's loopback
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = ReplyLimit,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5), // in a room each one is a program
            ConnectCallback = async (_, ct) => await process.ConnectAsync(port, ct),
        };
        return new HttpClient(handler)
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}"),
            Timeout = Timeout.InfiniteTimeSpan, // each wait has its own
            MaxResponseContentBufferSize = EventLimit,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"opencode:{password}"))) },
        };
    }

    /// <summary>Reads until the program ends, then says the last words. Never throws.</summary>
    private async Task PumpAsync(OpenCodeTranslator translator, TaskCompletionSource connected)
    {
        string? reason = null;
        try
        {
            reason = await TranslateAllAsync(translator, connected);
        }
        catch (OperationCanceledException)
        {
            reason = closing.IsCancellationRequested ? "closed" : "OpenCode says nothing any more.";
        }
        catch (LineTooLongException e)
        {
            reason = $"OpenCode wrote nonsense: {e.Message}";
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            reason = null; // it ended, most likely
        }
        catch (Exception e) // a bug of ours: the session is over and must say so
        {
            reason = $"The connection to OpenCode broke: {Redact(e.Message)}";
        }

        await process.KillAsync(TimeSpan.Zero); // whatever led here, nothing of it goes on
        if (Volatile.Read(ref disposed) == 0)
        {
            await StopActsAsync();
        }

        int? code = null;
        try
        {
            code = await process.Exited.WaitAsync(EndGrace, time);
        }
        catch (TimeoutException)
        {
            // it can't be killed (a dead disk); the machine has its identity
        }

        Volatile.Write(ref ended, true);
        connected.TrySetException(new AgentException(AgentError.FailedToStart, $"OpenCode ended before it was ready: {reason ?? ErrorWords() ?? "it said nothing."}"));
        IReadOnlyList<AgentEvent> open;
        lock (State)
        {
            open = translator.CloseOpen();
        }

        var words = ErrorWords();
        _ = LastWordsAsync(open, new AgentEnded(code, reason ?? (words is null ? $"OpenCode ended (code {code})." : $"OpenCode ended (code {code}): {words}")));
    }

    private async Task<string?> TranslateAllAsync(OpenCodeTranslator translator, TaskCompletionSource connected)
    {
        using var timer = new CancellationTokenSource(SilenceLimit, time);
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(closing.Token, timer.Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/event?directory={Uri.EscapeDataString(directory)}");
        using var response = await http!.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        if (!response.IsSuccessStatusCode)
        {
            return $"OpenCode gives no events (HTTP {(int)response.StatusCode}).";
        }

        var reader = new EventStreamReader(await response.Content.ReadAsStreamAsync(silence.Token), EventLimit);
        while (await reader.ReadAsync(silence.Token) is { } data)
        {
            timer.CancelAfter(Timeout.InfiniteTimeSpan); // our own reader may take its time
            connected.TrySetResult();
            var output = await SayAsync(() => Translate(translator, data), closing.Token);
            if (output.Violation is not null)
            {
                await process.KillAsync(TimeSpan.Zero); // first of all
                return output.Violation;
            }

            if (output.Events.Exists(e => e is AgentTurnEnded))
            {
                await StopActsAsync(); // a turn that is over does nothing any more
            }

            acts.Begin(output.Acts);
            foreach (var call in output.Calls)
            {
                await CallAsync(call, closing.Token);
            }

            timer.CancelAfter(SilenceLimit);
        }

        return null;
    }

    private static OpenCodeOutput Translate(OpenCodeTranslator translator, ReadOnlyMemory<byte> data)
    {
        using var document = LineJson.TryParse(data);
        if (document is null || document.RootElement.ValueKind != JsonValueKind.Object)
        {
            return translator.NotUnderstood(data.Span);
        }

        try
        {
            return translator.Take(document.RootElement);
        }
        catch (InvalidOperationException)
        {
            // Text that is no text: a name or value with half a surrogate pair, which JSON can spell and a string can't hold.
            return translator.NotUnderstood(data.Span);
        }
    }

    private async Task CallAsync(OpenCodeCall call, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await SendAsync(call, cancellationToken);
            if (call.Then is { } then)
            {
                var follows = await SayAsync(() => then(reply), cancellationToken);
                foreach (var next in follows.Calls)
                {
                    await CallAsync(next, cancellationToken);
                }
            }
        }
        catch (AgentException e) when (e.Error == AgentError.Ended)
        {
            // it ended while we answered: the end of its events follows
        }
    }

    /// <summary>A bug of ours: the program would wait for ever.</summary>
    private async Task FailAsync(Exception e)
    {
        await events.WriteAsync(new AgentActivity(ActivityKind.Requesting) { Detail = Redact(e.Message) }, CancellationToken.None);
        await process.KillAsync(TimeSpan.Zero);
    }

    private async Task LastWordsAsync(IReadOnlyList<AgentEvent> open, AgentEnded last)
    {
        foreach (var item in open)
        {
            await events.WriteAsync(item, CancellationToken.None);
        }

        await events.EndAsync(last);
    }

    /// <summary>A full pipe would stop it.</summary>
    private async Task DrainAsync(LineReader lines)
    {
        try
        {
            while (await lines.ReadAsync(closing.Token) is not null)
            {
                // what it says here is nothing that matters
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException or LineTooLongException)
        {
            // it is gone, or is about to be
        }
    }

    private async Task ReadErrorOutputAsync()
    {
        try
        {
            await errorOutput.ReadToEndAsync(process.StandardError, closing.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // what was read is what there is
        }
    }

    /// <summary>The last line of its error output that says something, without secrets; null: nothing does.</summary>
    private string? ErrorWords()
        => errorOutput.ToString().Split('\n').LastOrDefault(l => !string.IsNullOrWhiteSpace(l) && !l.StartsWith("    at ", StringComparison.Ordinal)) is { } line ? BoundedText.OneLine(Redact(line)) : null;

    private static AgentException Ended(Exception? inner) => new(AgentError.Ended, $"{Name} is gone.", inner);

    private static AgentException NoAnswer(Exception inner) => new(AgentError.TimedOut, $"{Name} did not answer within {ReplyLimit.TotalSeconds:0} s.", inner);

    [GeneratedRegex(@"listening on http://127\.0\.0\.1:(?<port>[0-9]{1,5})\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Listening();
}
