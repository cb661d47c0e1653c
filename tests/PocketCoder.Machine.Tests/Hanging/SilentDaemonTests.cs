using System.Collections;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Hanging;

/// <summary>
/// Every request of the command line against something that has the socket and does not answer, and against one that is only slow.
/// </summary>
public sealed class SilentDaemonTests : IDisposable
{
    private static readonly ControlLimits s_short = new()
    {
        Quiet = TimeSpan.FromMilliseconds(20),
        Beat = TimeSpan.FromMilliseconds(50),
        Silence = TimeSpan.FromMilliseconds(100),
        Most = TimeSpan.FromSeconds(1),
        Request = TimeSpan.FromMinutes(5),
    };

    private readonly Home _home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);

    /// <summary>Every method that asks the daemon something: one that is added later is in here by itself.</summary>
    public static TheoryData<string> Requests =>
        [.. typeof(ControlClient).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(m => m.GetParameters().Any(p => p.ParameterType == typeof(CancellationToken))).Select(m => m.Name)];

    /// <summary>Without those to whom the beginning of an answer is all they want, and one whose reading has a test of its own.</summary>
    public static TheoryData<string> LongAnswers => [.. Requests.Select(r => r.Data)
        .Except([nameof(ControlClient.IsHealthyAsync), nameof(ControlClient.AttachTerminalAsync)], StringComparer.Ordinal)];

    public void Dispose() => Directory.Delete(_home.Root, recursive: true);

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_request_that_nothing_answers_comes_back_and_says_so(string request)
    {
        await using var silent = new FakeDaemon(_home, answersHealth: false, begins: false);
        using var client = new ControlClient(_home, s_short);

        var told = await Assert.ThrowsAsync<DaemonNotAnswering>(() => AskAsync(client, request)).WaitAsync(Wait.Limit);

        Assert.Contains("pocketcoder stop", told.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(LongAnswers))]
    public async Task An_answer_that_stops_in_the_middle_comes_back_and_says_so(string request)
    {
        await using var silent = new FakeDaemon(_home, answersHealth: false, begins: true);
        using var client = new ControlClient(_home, s_short);

        var told = await Assert.ThrowsAsync<DaemonNotAnswering>(() => AskAsync(client, request)).WaitAsync(Wait.Limit);

        Assert.Contains("pocketcoder stop", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_attached_terminal_of_a_daemon_that_hangs_is_let_go_and_says_so()
    {
        await using var silent = new FakeDaemon(_home, answersHealth: false, begins: true);
        using var client = new ControlClient(_home, s_short);
        await using var link = await client.AttachTerminalAsync(Guid.Empty, "main", 80, 24, CancellationToken.None);

        await Assert.ThrowsAsync<DaemonNotAnswering>(() => link.ReadAsync(CancellationToken.None)).WaitAsync(Wait.Limit);
    }

    [Fact]
    public async Task A_daemon_that_takes_no_more_connections_is_not_said_to_be_gone()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_home.ControlSocket));
        listener.Listen(1);
        var waiting = new List<Socket>();
        try
        {
            for (var full = false; !full;)
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
                waiting.Add(socket);
                try
                {
                    socket.Connect(new UnixDomainSocketEndPoint(_home.ControlSocket));
                }
                catch (SocketException)
                {
                    full = true;
                }
            }

            using var client = new ControlClient(_home, s_short);
            await Assert.ThrowsAsync<DaemonNotAnswering>(() => client.StatusAsync(CancellationToken.None)).WaitAsync(Wait.Limit);
        }
        finally
        {
            waiting.ForEach(s => s.Dispose());
        }
    }

    [Fact]
    public async Task A_daemon_that_is_slow_but_lives_is_waited_for()
    {
        await using var slow = new FakeDaemon(_home, answersHealth: true, begins: false);
        using var client = new ControlClient(_home,
            s_short with { Beat = TimeSpan.FromMilliseconds(200), Silence = TimeSpan.FromMinutes(1), Most = TimeSpan.FromMinutes(1) });

        var asked = client.GetLabelAsync(CancellationToken.None);
        await Wait.UntilAsync(() => slow.Beats >= 3, "it is asked whether it lives");
        Assert.False(asked.IsCompleted);
        slow.Answer("""{"label":"box"}""");

        Assert.Equal("box", await asked.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task A_session_that_is_followed_and_says_nothing_is_followed_as_long_as_the_daemon_lives()
    {
        await using var quiet = new FakeDaemon(_home, answersHealth: true, begins: false);
        using var client = new ControlClient(_home, s_short with
        {
            Beat = TimeSpan.FromMilliseconds(200),
            Silence = TimeSpan.FromMinutes(1),
            Most = TimeSpan.FromMinutes(1),
            Request = TimeSpan.FromMilliseconds(1)
        });

        var line = Task.Run(async () =>
        {
            await foreach (var said in client.FollowAsync(Guid.Empty, 0, CancellationToken.None))
            {
                return said;
            }

            return null;
        });
        await Wait.UntilAsync(() => quiet.Beats >= 3, "it is asked whether it lives");
        quiet.Answer("{}");

        Assert.Equal("{}", await line.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task A_daemon_that_lives_and_never_comes_to_an_end_with_it_has_a_limit_too()
    {
        await using var slow = new FakeDaemon(_home, answersHealth: true, begins: false);
        using var client = new ControlClient(_home, s_short with
        {
            Beat = TimeSpan.FromMilliseconds(200),
            Silence = TimeSpan.FromMinutes(1),
            Most = TimeSpan.FromMinutes(1),
            Request = TimeSpan.FromMilliseconds(300)
        });

        var told = await Assert.ThrowsAsync<DaemonNotAnswering>(() => client.GetLabelAsync(CancellationToken.None)).WaitAsync(Wait.Limit);

        Assert.Contains("did not finish", told.Message, StringComparison.Ordinal);
    }

    private static async Task AskAsync(ControlClient client, string request)
    {
        var method = typeof(ControlClient).GetMethod(request)!;
        var answer = method.Invoke(client, [.. method.GetParameters().Select(Argument)]);
        if (answer is Task task)
        {
            await task;
            return;
        }

        await foreach (var _ in (IAsyncEnumerable<string>)answer!)
        {
            Assert.Fail("nothing was said");
        }
    }

    /// <summary>Something of the parameter's type that can be sent.</summary>
    private static object? Argument(ParameterInfo parameter) => parameter.ParameterType switch
    {
        var type when type == typeof(string) => "x",
        var type when type == typeof(Stream) => Stream.Null,
        var type when type == typeof(CancellationToken) => CancellationToken.None,
        var type => Some(type),
    };

    private static object? Some(Type type)
    {
        if (type == typeof(string))
        {
            return "x";
        }

        if (type.IsValueType)
        {
            return Activator.CreateInstance(type);
        }

        if (type is { IsInterface: true, IsGenericType: true } && typeof(IEnumerable).IsAssignableFrom(type))
        {
            return type.GetGenericArguments() is [var element]
                ? Array.CreateInstance(element, 0)
                : Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(type.GetGenericArguments()));
        }

        var made = type.GetConstructors().OrderByDescending(c => c.GetParameters().Length).First();
        return made.Invoke(
            [.. made.GetParameters().Select(p => p.HasDefaultValue && p.DefaultValue is null ? null : Some(p.ParameterType))]);
    }

    /// <summary>Has the control socket, and answers as the test wants.</summary>
    private sealed class FakeDaemon : IAsyncDisposable
    {
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly TaskCompletionSource<string> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenSource _over = new();
        private readonly bool _answersHealth;
        private readonly bool _begins;
        private readonly Task _accepting;
        private int _beats;

        /// <param name="begins">Sends the head of an answer, and nothing of its body.</param>
        public FakeDaemon(Home home, bool answersHealth, bool begins)
        {
            (_answersHealth, _begins) = (answersHealth, begins);
            _listener.Bind(new UnixDomainSocketEndPoint(home.ControlSocket));
            _listener.Listen(16);
            _accepting = AcceptAsync();
        }

        public int Beats => Volatile.Read(ref _beats);

        public void Answer(string json) => _answer.SetResult(json);

        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            _listener.Dispose();
            await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _over.Dispose();
        }

        private async Task AcceptAsync()
        {
            while (!_over.IsCancellationRequested)
            {
                _ = ServeAsync(await _listener.AcceptAsync(_over.Token));
            }
        }

        private async Task ServeAsync(Socket socket)
        {
            using (socket)
            {
                try
                {
                    var buffer = new byte[64 * 1024];
                    var read = await socket.ReceiveAsync(buffer, _over.Token);
                    var request = Encoding.ASCII.GetString(buffer, 0, read);
                    var isHealth = request.StartsWith("GET /health", StringComparison.Ordinal);
                    if (isHealth && _answersHealth)
                    {
                        Interlocked.Increment(ref _beats);
                        await socket.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), _over.Token);
                        return;
                    }

                    if (request.Split("\r\n")
                        .FirstOrDefault(l => l.StartsWith("Sec-WebSocket-Key: ", StringComparison.OrdinalIgnoreCase)) is { } key && _begins)
                    {
#pragma warning disable CA5350 // RFC 6455 §4.2.2 wants it, and nothing rests on it
                        var accept = Convert.ToBase64String(System.Security.Cryptography.SHA1.HashData(
                            Encoding.ASCII.GetBytes(key.Split(": ")[1] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
                        await socket.SendAsync(Encoding.ASCII.GetBytes(
                            $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"),
                            _over.Token);
                    }
                    else if (!isHealth && _begins)
                    {
                        await socket.SendAsync(
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"u8.ToArray(), _over.Token);
                    }

                    var json = await _answer.Task.WaitAsync(_over.Token);
                    await socket.SendAsync(Encoding.UTF8.GetBytes(
                        $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n{json}"), _over.Token);
                }
                catch (Exception e) when (e is OperationCanceledException or SocketException)
                {
                    // the test is over, or the client went
                }
            }
        }
    }
}
