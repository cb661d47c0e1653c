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
/// A running <c>opencode serve</c>: its process, requests to it and its stream of events. Only this process knows its password.
/// Thread-safe.
/// </summary>
internal sealed partial class OpenCodeServer : IAsyncDisposable
{
    private const string Name = "OpenCode";

    /// <summary>Longest event read, and longest answer: a tool result with a 10 MB file in it is the longest that makes sense.</summary>
    private const int EventLimit = 16 * 1024 * 1024;

    private const int OutputLimit = 64 * 1024;

    /// <summary>From start to listening; four seconds on a quiet machine.</summary>
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_replyLimit = TimeSpan.FromSeconds(30);

    /// <summary>The server says something every ten seconds.</summary>
    private static readonly TimeSpan s_silenceLimit = TimeSpan.FromSeconds(90);

    private static readonly TimeSpan s_endGrace = TimeSpan.FromSeconds(2);

    private readonly IAgentChild _process;
    private readonly string _directory;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly TimeProvider _time;
    private readonly OutputCapture _errorOutput = new(OutputLimit);
    private readonly EventPipe _events = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly AsyncSemaphore _saying = new(); // events in the order in which they were decided
    private readonly Task _errorReading;
    private HttpClient? _http;
    private Task? _draining;
    private Task? _pump;
    private readonly TurnActs _acts;
    private int _disposed;
    private bool _ended;

    private OpenCodeServer(IAgentChild process, string directory, IReadOnlyDictionary<string, string> environment, TimeProvider time)
    {
        (_process, _directory, _environment, _time) = (process, directory, environment, time);
        _acts = new TurnActs(time, FailAsync);
        _errorReading = ReadErrorOutputAsync();
    }

    /// <summary>Guards what translates: the pump and the machine's calls both use it.</summary>
    public Lock State { get; } = new();

    public ProcessIdentity Process => _process.Identity;

    public ChannelReader<AgentEvent> Events => _events.Reader;

    public bool HasEnded => Volatile.Read(ref _ended);

    /// <summary>Starts the program and waits until it listens.</summary>
    /// <param name="sandbox">Starts it where it belongs; null: as a child of the daemon.</param>
    /// <param name="password">What requests carry; the program has it in its environment.</param>
    /// <exception cref="AgentException">It could not be started.</exception>
    public static async Task<OpenCodeServer> StartAsync(
        ProcessStart start, Func<ProcessStart, CancellationToken, Task<IAgentChild>>? sandbox, string password, TimeProvider time,
        CancellationToken cancellationToken)
    {
        IAgentChild child;
        try
        {
            child = sandbox is null ? new HostChild(OwnedProcess.Start(start, time)) : await sandbox(start, cancellationToken);
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
        _pump = PumpAsync(translator, connected);
        try
        {
            await connected.Task.WaitAsync(s_replyLimit, _time, cancellationToken);
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
        using var timer = new CancellationTokenSource(s_replyLimit, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token, timer.Token);
        using var request = new HttpRequestMessage(call.Method,
            $"{call.Path}{(call.Path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}directory={Uri.EscapeDataString(_directory)}");
        if (call.Body is not null)
        {
            request.Content = new ByteArrayContent(call.Body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        try
        {
            using var response = await _http!.SendAsync(request, HttpCompletionOption.ResponseContentRead, limit.Token);
            using var document = LineJson.TryParse(await response.Content.ReadAsByteArrayAsync(limit.Token));
            return new OpenCodeReply((int)response.StatusCode, document?.RootElement.Clone() ?? default);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw _closing.IsCancellationRequested || HasEnded ? Ended(e) : NoAnswer(e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or ObjectDisposedException)
        {
            throw Ended(e);
        }
    }

    /// <summary>Does what an output says, for output that did not come from the pump.</summary>
    public async Task CarryOutAsync(OpenCodeOutput output, CancellationToken cancellationToken)
    {
        _acts.Begin(output.Acts);
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
        await _saying.WaitAsync(cancellationToken);
        try
        {
            OpenCodeOutput output;
            lock (State)
            {
                output = decide();
            }

            foreach (var item in output.Events)
            {
                await _events.WriteAsync(item, cancellationToken);
            }

            return output;
        }
        catch (ChannelClosedException)
        {
            return new OpenCodeOutput(); // the last word is said
        }
        finally
        {
            _saying.Release();
        }
    }

    /// <summary>Stops what we do for the program in this turn; commands are killed.</summary>
    public Task StopActsAsync() => _acts.StopAsync();

    /// <exception cref="AgentException">The program is gone.</exception>
    public void ThrowIfEnded()
    {
        if (HasEnded)
        {
            throw Ended(null);
        }
    }

    /// <summary>Why the program could not be used, from its own last words.</summary>
    public AgentException StartFailure(Exception? inner = null)
        => new(AgentError.FailedToStart, $"OpenCode ended before it was ready: {ErrorWords() ?? "it said nothing."}", inner);

    public string Redact(string text) => Redaction.Redact(text, _environment);

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            await (_pump ?? Task.CompletedTask);
            return;
        }

        await StopActsAsync();
        await _closing.CancelAsync();
        await _process.KillAsync(s_endGrace); // it cleans up nothing when asked to end, so there is nothing to wait for before
        await (_pump ?? Task.CompletedTask);
        await (_draining ?? Task.CompletedTask);
        await _errorReading;
        _http?.Dispose();
        await _process.DisposeAsync();
        _closing.Dispose();
        _acts.Dispose();
    }

    private async Task ListensAsync(string password, CancellationToken cancellationToken)
    {
        var lines = new LineReader(_process.StandardOutput, OutputLimit);
        using var timer = new CancellationTokenSource(s_startLimit, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        try
        {
            while (await lines.ReadAsync(limit.Token) is { } line)
            {
                if (Listening().Match(Encoding.UTF8.GetString(line.Span)) is { Success: true } match
                    && int.TryParse(match.Groups["port"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                    && port is > 0 and <= 65535)
                {
                    _http = Client(port, password);
                    _draining = DrainAsync(lines);
                    return;
                }
            }

            await Task.WhenAny(_errorReading, Task.Delay(s_endGrace, _time, CancellationToken.None));
            throw StartFailure();
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new AgentException(AgentError.TimedOut, $"OpenCode was not ready within {s_startLimit.TotalSeconds:0} s.", e);
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
            ConnectTimeout = s_replyLimit,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5), // in a sandbox each one is a program
            ConnectCallback = async (_, ct) => await _process.ConnectAsync(port, ct),
        };
        return new HttpClient(handler)
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}"),
            Timeout = Timeout.InfiniteTimeSpan, // each wait has its own
            MaxResponseContentBufferSize = EventLimit,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"opencode:{password}"))) },
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
            reason = _closing.IsCancellationRequested ? "closed" : "OpenCode says nothing any more.";
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

        await _process.KillAsync(TimeSpan.Zero); // whatever led here, nothing of it goes on
        if (Volatile.Read(ref _disposed) == 0)
        {
            await StopActsAsync();
        }

        int? code = null;
        try
        {
            code = await _process.Exited.WaitAsync(s_endGrace, _time);
        }
        catch (TimeoutException)
        {
            // it can't be killed (a dead disk); the machine has its identity
        }

        Volatile.Write(ref _ended, true);
        connected.TrySetException(new AgentException(
            AgentError.FailedToStart, $"OpenCode ended before it was ready: {reason ?? ErrorWords() ?? "it said nothing."}"));
        IReadOnlyList<AgentEvent> open;
        lock (State)
        {
            open = translator.CloseOpen();
        }

        var words = ErrorWords();
        _ = LastWordsAsync(open,
            new AgentEnded(code, reason ?? (words is null ? $"OpenCode ended (code {code})." : $"OpenCode ended (code {code}): {words}")));
    }

    private async Task<string?> TranslateAllAsync(OpenCodeTranslator translator, TaskCompletionSource connected)
    {
        using var timer = new CancellationTokenSource(s_silenceLimit, _time);
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, timer.Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/event?directory={Uri.EscapeDataString(_directory)}");
        using var response = await _http!.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        if (!response.IsSuccessStatusCode)
        {
            return $"OpenCode gives no events (HTTP {(int)response.StatusCode}).";
        }

        var reader = new EventStreamReader(await response.Content.ReadAsStreamAsync(silence.Token), EventLimit);
        while (await reader.ReadAsync(silence.Token) is { } data)
        {
            timer.CancelAfter(Timeout.InfiniteTimeSpan); // our own reader may take its time
            connected.TrySetResult();
            var output = await SayAsync(() => Translate(translator, data), _closing.Token);
            if (output.Violation is not null)
            {
                await _process.KillAsync(TimeSpan.Zero); // first of all
                return output.Violation;
            }

            if (output.Events.Exists(e => e is AgentTurnEnded))
            {
                await StopActsAsync(); // a turn that is over does nothing any more
            }

            _acts.Begin(output.Acts);
            foreach (var call in output.Calls)
            {
                await CallAsync(call, _closing.Token);
            }

            timer.CancelAfter(s_silenceLimit);
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
        await _events.WriteAsync(new AgentActivity(ActivityKind.Requesting) { Detail = Redact(e.Message) }, CancellationToken.None);
        await _process.KillAsync(TimeSpan.Zero);
    }

    private async Task LastWordsAsync(IReadOnlyList<AgentEvent> open, AgentEnded last)
    {
        foreach (var item in open)
        {
            await _events.WriteAsync(item, CancellationToken.None);
        }

        await _events.EndAsync(last);
    }

    /// <summary>A full pipe would stop it.</summary>
    private async Task DrainAsync(LineReader lines)
    {
        try
        {
            while (await lines.ReadAsync(_closing.Token) is not null)
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
            await _errorOutput.ReadToEndAsync(_process.StandardError, _closing.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // what was read is what there is
        }
    }

    /// <summary>The last line of its error output that says something, without secrets; null: nothing does.</summary>
    private string? ErrorWords()
        => _errorOutput.ToString().Split('\n').LastOrDefault(l => !string.IsNullOrWhiteSpace(l)
            && !l.StartsWith("    at ", StringComparison.Ordinal)) is { } line ? BoundedText.OneLine(Redact(line)) : null;

    private static AgentException Ended(Exception? inner) => new(AgentError.Ended, $"{Name} is gone.", inner);

    private static AgentException NoAnswer(Exception inner)
        => new(AgentError.TimedOut, $"{Name} did not answer within {s_replyLimit.TotalSeconds:0} s.", inner);

    [GeneratedRegex(@"listening on http://127\.0\.0\.1:(?<port>[0-9]{1,5})\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Listening();
}
