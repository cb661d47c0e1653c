using System.Net;
using System.Net.Sockets;

namespace PocketCoder.Broker.Models;

/// <summary>
/// Stands between agents and model providers: adds the provider's key outside of the sandbox, takes every other credential away, counts
/// tokens and cost, holds budgets. One for the daemon; an endpoint for each session. Thread-safe.
/// </summary>
public sealed class ModelBroker : IAsyncDisposable
{
    private readonly HttpMessageInvoker _upstream;

    public ModelBroker(ModelBrokerOptions options, TimeProvider time)
    {
        Options = options;
        Time = time;
#pragma warning disable CA5399 // certificates are checked by the platform's default; there is no revocation list behind most providers' chains
        _upstream = new HttpMessageInvoker(new SocketsHttpHandler
        {
            // What the provider says travels as it is: nothing decompressed, followed, remembered or added.
            AutomaticDecompression = DecompressionMethods.None,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = 512,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectCallback = static async (context, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(context.DnsEndPoint, ct);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        });
#pragma warning restore CA5399
    }

    /// <summary>What was used so far.</summary>
    public ModelSpendings Spendings { get; } = new();

    internal ModelBrokerOptions Options { get; }

    internal TimeProvider Time { get; }

    /// <summary>Opens an endpoint; when this returns, it takes requests. Dispose it with the session.</summary>
    /// <exception cref="IOException">The socket or port can't be had.</exception>
    public Task<ModelEndpoint> OpenAsync(ModelEndpointOptions options, CancellationToken ct) => ModelEndpoint.StartAsync(this, options, ct);

    /// <summary>Asks a provider whether it takes a key, in at most 10 s. Nothing is counted, and no text of the answer is given.</summary>
    /// <param name="baseUrl">As <see cref="ModelUpstream.BaseUrl"/>.</param>
    public Task<KeyAnswer> CheckKeyAsync(ModelDialect dialect, Uri baseUrl, string key, CancellationToken ct)
        => KeyCheck.AskAsync(this, dialect, baseUrl, key, ct);

    /// <summary>Asks a server for the list of its models, in at most 10 s. Nothing is counted.</summary>
    public Task<ModelsAnswer> ListModelsAsync(ModelUpstream upstream, CancellationToken ct) => ModelListing.AskAsync(this, upstream, ct);

    public ValueTask DisposeAsync()
    {
        _upstream.Dispose();
        return ValueTask.CompletedTask;
    }

    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct) => _upstream.SendAsync(request, ct);

    internal void TellRefused(Guid session, int status) => Options.KeyRefused?.Invoke(session, status);

    internal void Record(ModelUsage usage)
    {
        Spendings.Add(usage);
        Options.Used?.Invoke(usage);
    }
}
