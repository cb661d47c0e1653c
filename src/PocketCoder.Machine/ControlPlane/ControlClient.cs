using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// The CLI's way to the daemon of a home. Failures: <see cref="DaemonNotRunning"/>, and <see cref="ControlException"/> with what the daemon said. Thread-safe.
/// </summary>
public sealed partial class ControlClient : IDisposable
{
    private static readonly ControlJson s_json = ControlJson.Default;
    private readonly HttpMessageInvoker _sockets;
    private readonly HttpClient _http;

    public ControlClient(Home home)
    {
        var endpoint = new UnixDomainSocketEndPoint(home.ControlSocket);
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(endpoint, ct);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        };
        _sockets = new HttpMessageInvoker(handler, disposeHandler: false);
        // Verifying a large ledger takes a while; everything else answers at once.
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://daemon/"), Timeout = TimeSpan.FromMinutes(5) };
    }

    /// <summary>Whether a daemon answers.</summary>
    public async Task<bool> IsHealthyAsync(CancellationToken ct)
    {
        try
        {
            using var response = await SendAsync(HttpMethod.Get, "health", null, ct);
            return response.IsSuccessStatusCode;
        }
        catch (DaemonNotRunning)
        {
            return false;
        }
    }

    public Task<ControlStatus> StatusAsync(CancellationToken ct) => GetAsync("status", s_json.ControlStatus, ct);

    /// <summary>Asks the daemon to stop; it goes on for a moment after the answer.</summary>
    public Task StopAsync(string reason, CancellationToken ct) => PostAsync("stop", new StopRequest(reason), s_json.StopRequest, s_json.Done, ct);

    public Task<IReadOnlyList<ProjectInfo>> ListProjectsAsync(CancellationToken ct) => GetAsync("projects", s_json.IReadOnlyListProjectInfo, ct);

    /// <param name="path">Absolute.</param>
    public Task<ProjectAdded> AddProjectAsync(string path, string? name, bool force, CancellationToken ct)
        => PostAsync("projects", new ProjectAddRequest(path, name, force), s_json.ProjectAddRequest, s_json.ProjectAdded, ct);

    /// <param name="project">Id, the beginning of one (4 characters or more), name, or absolute path.</param>
    public Task<ProjectInfo> RemoveProjectAsync(string project, CancellationToken ct)
        => PostAsync("projects/remove", new ProjectSelection(project), s_json.ProjectSelection, s_json.ProjectInfo, ct);

    /// <param name="project">As for <see cref="RemoveProjectAsync"/>.</param>
    public Task<IReadOnlyList<NetworkRuleInfo>> ListNetworkRulesAsync(string project, CancellationToken ct)
        => PostAsync("network/rules", new ProjectSelection(project), s_json.ProjectSelection, s_json.IReadOnlyListNetworkRuleInfo, ct);

    public Task<NetworkRuleInfo> AddNetworkRuleAsync(NetworkAllowRequest request, CancellationToken ct)
        => PostAsync("network/allow", request, s_json.NetworkAllowRequest, s_json.NetworkRuleInfo, ct);

    /// <param name="rule">Id, or the beginning of one (4 characters or more).</param>
    public Task<NetworkRuleInfo> RemoveNetworkRuleAsync(string rule, CancellationToken ct)
        => PostAsync("network/remove", new NetworkRuleSelection(rule), s_json.NetworkRuleSelection, s_json.NetworkRuleInfo, ct);

    /// <param name="target">Id of an approval, a turn or an undo, or its first 8 characters or more.</param>
    public Task<SnapshotDiffResponse> PreviewUndoAsync(string target, CancellationToken ct)
        => PostAsync("undo/preview", new UndoSelection(target), s_json.UndoSelection, s_json.SnapshotDiffResponse, ct);

    public Task<UndoInfo> UndoAsync(UndoRequest request, CancellationToken ct) => PostAsync("undo", request, s_json.UndoRequest, s_json.UndoInfo, ct);

    public Task<PairingOffer> PairAsync(PairingRequest request, CancellationToken ct) => PostAsync("pairings", request, s_json.PairingRequest, s_json.PairingOffer, ct);

    public Task<PairingProgress> PairingAsync(string pairingId, CancellationToken ct) => GetAsync($"pairings/{Uri.EscapeDataString(pairingId)}", s_json.PairingProgress, ct);

    public Task<IReadOnlyList<DeviceInfo>> ListDevicesAsync(CancellationToken ct) => GetAsync("devices", s_json.IReadOnlyListDeviceInfo, ct);

    /// <param name="device">Id, the beginning of one (4 characters or more), or name.</param>
    public Task<DeviceInfo> RevokeDeviceAsync(string device, CancellationToken ct)
        => PostAsync("devices/revoke", new DeviceSelection(device, null), s_json.DeviceSelection, s_json.DeviceInfo, ct);

    /// <inheritdoc cref="RevokeDeviceAsync"/>
    public Task<DeviceInfo> RenameDeviceAsync(string device, string name, CancellationToken ct)
        => PostAsync("devices/rename", new DeviceSelection(device, name), s_json.DeviceSelection, s_json.DeviceInfo, ct);

    public async Task<string> GetLabelAsync(CancellationToken ct) => (await GetAsync("machine-label", s_json.LabelBody, ct)).Label;

    public async Task<string> SetLabelAsync(string label, CancellationToken ct)
        => (await PostAsync("machine-label", new LabelBody(label), s_json.LabelBody, s_json.LabelBody, ct)).Label;

    public Task<LedgerHead> LedgerHeadAsync(CancellationToken ct) => GetAsync("ledger/head", s_json.LedgerHead, ct);

    public Task<LedgerVerifyResponse> VerifyLedgerAsync(CancellationToken ct) => GetAsync("ledger/verify", s_json.LedgerVerifyResponse, ct);

    public Task<LedgerListResponse> ListLedgerAsync(LedgerListRequest request, CancellationToken ct)
        => PostAsync("ledger/rows", request, s_json.LedgerListRequest, s_json.LedgerListResponse, ct);

    /// <summary>Copies every row as JSON lines, oldest first; the last line is the signed head, without which it was cut off (docs/ledger.md).</summary>
    public async Task ExportLedgerAsync(Stream destination, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Get, "ledger/export", null, ct);
        await ThrowIfRefusedAsync(response, ct);
        await response.Content.CopyToAsync(destination, ct);
    }

    public Task<IReadOnlyList<SessionInfo>> ListSessionsAsync(CancellationToken ct) => GetAsync("sessions", s_json.IReadOnlyListSessionInfo, ct);

    public Task<IReadOnlyList<JobInfo>> ListJobsAsync(CancellationToken ct) => GetAsync("jobs", s_json.IReadOnlyListJobInfo, ct);

    /// <param name="job">Name, approval's id, or the beginning of it (4 characters or more).</param>
    public Task<JobInfo> StopJobAsync(string job, CancellationToken ct) => PostAsync("jobs/stop", new JobSelection(job), s_json.JobSelection, s_json.JobInfo, ct);

    /// <param name="approval">Id, or the beginning of it (8 characters or more).</param>
    public Task<ExecutionOutputResponse> OutputAsync(string approval, long offset, int limit, CancellationToken ct)
        => PostAsync("executions/output", new OutputSelection(approval, offset, limit), s_json.OutputSelection, s_json.ExecutionOutputResponse, ct);

    public Task<IReadOnlyList<TerminalInfo>> ListTerminalsAsync(CancellationToken ct) => GetAsync("terminals", s_json.IReadOnlyListTerminalInfo, ct);

    /// <summary>Opens a terminal in the session's sandbox, or gives the one of that name.</summary>
    /// <param name="session">Id, the beginning of one (4 characters or more), or title.</param>
    public Task<TerminalInfo> OpenTerminalAsync(string session, string name, int columns, int rows, CancellationToken ct)
        => PostAsync("terminals/open", new TerminalOpenBody(session, name, columns, rows), s_json.TerminalOpenBody, s_json.TerminalInfo, ct);

    /// <inheritdoc cref="OpenTerminalAsync"/>
    public Task CloseTerminalAsync(string session, string name, CancellationToken ct)
        => PostAsync("terminals/close", new TerminalSelection(session, name), s_json.TerminalSelection, s_json.Done, ct);

    /// <summary>Looks at an open terminal.</summary>
    public async Task<TerminalLink> AttachTerminalAsync(Guid session, string name, int columns, int rows, CancellationToken ct)
    {
        var socket = new ClientWebSocket();
        try
        {
            await socket.ConnectAsync(
                new Uri(string.Create(CultureInfo.InvariantCulture, $"ws://daemon/terminals/attach?session={session}&name={Uri.EscapeDataString(name)}&columns={columns}&rows={rows}")), _sockets, ct);
            return new TerminalLink(socket);
        }
        catch (WebSocketException e)
        {
            socket.Dispose();
            throw new DaemonNotRunning(e);
        }
    }

    public void Dispose()
    {
        _sockets.Dispose();
        _http.Dispose();
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken ct)
    {
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Accepted)
        {
            return;
        }

        WireError? error = null;
        try
        {
            error = await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(ct), s_json.WireError, ct);
        }
        catch (JsonException)
        {
            // an answer of the web server itself
        }

        throw error is null
            ? new ControlException(ErrorCode.UnknownError, $"The daemon answered {(int)response.StatusCode}.")
            : new ControlException(error.Code, error.Message);
    }

    private async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, ct);
        return await ReadAsync(response, type, ct);
    }

    private async Task<TOut> PostAsync<TIn, TOut>(string path, TIn body, JsonTypeInfo<TIn> typeIn, JsonTypeInfo<TOut> typeOut, CancellationToken ct)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, typeIn));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await SendAsync(HttpMethod.Post, path, content, ct);
        return await ReadAsync(response, typeOut, ct);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken ct)
    {
        await ThrowIfRefusedAsync(response, ct);
        try
        {
            return await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(ct), type, ct)
                ?? throw new ControlException(ErrorCode.UnknownError, "The daemon answered nothing.");
        }
        catch (JsonException e)
        {
            throw new ControlException(ErrorCode.VersionUnsupported, "The daemon speaks another version of the control protocol. Restart it: pocketcoder stop, then pocketcoder start", e);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
        {
            throw new ControlException(ErrorCode.Unauthorized, "The daemon belongs to another user.", e);
        }
        catch (HttpRequestException e)
        {
            throw new DaemonNotRunning(e);
        }
    }
}

/// <summary>No daemon answers in this home.</summary>
public sealed class DaemonNotRunning(Exception? inner = null) : Exception("PocketCoder is not running. Start it: pocketcoder start", inner);
