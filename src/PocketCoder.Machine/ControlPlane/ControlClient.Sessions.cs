using System.Globalization;
using System.Runtime.CompilerServices;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Sessions: prompting, following, deciding, going on in a terminal.</summary>
public sealed partial class ControlClient
{
    private static readonly SessionControlJson s_sessions = SessionControlJson.Default;

    /// <summary>Also the archived ones, the newest first.</summary>
    public Task<IReadOnlyList<SessionInfo>> ListAllSessionsAsync(CancellationToken ct) => GetAsync("sessions/all", s_sessions.IReadOnlyListSessionInfo, ct);

    public Task<PromptTaken> StartSessionAsync(SessionStartRequest request, CancellationToken ct)
        => PostAsync("sessions/start", request, s_sessions.SessionStartRequest, s_sessions.PromptTaken, ct);

    public Task<PromptTaken> PromptAsync(SessionPromptRequest request, CancellationToken ct)
        => PostAsync("sessions/prompt", request, s_sessions.SessionPromptRequest, s_sessions.PromptTaken, ct);

    public Task<SessionInfo> CancelAsync(AgentCancelRequest request, CancellationToken ct)
        => PostAsync("sessions/cancel", request, s_sessions.AgentCancelRequest, s_sessions.SessionInfo, ct);

    /// <summary>Tells what a session's agent is told, after changing what is given.</summary>
    public Task<SessionInfo> SessionSettingsAsync(SessionSettingsRequest request, CancellationToken ct)
        => PostAsync("sessions/settings", request, s_sessions.SessionSettingsRequest, s_sessions.SessionInfo, ct);

    /// <param name="decision">Its signature is not looked at: the socket is the owner's.</param>
    public Task<ApprovalInfo> DecideAsync(AgentPromptResponseRequest decision, CancellationToken ct)
        => PostAsync("approvals/decide", decision, s_sessions.AgentPromptResponseRequest, s_sessions.ApprovalInfo, ct);

    public Task<ResumeWay> ResumeAsync(ResumeRequest request, CancellationToken ct)
        => PostAsync("sessions/resume", request, s_sessions.ResumeRequest, s_sessions.ResumeWay, ct);

    /// <summary>This terminal goes on with the conversation, as long as the process lives.</summary>
    public Task<SessionInfo> HoldAsync(HoldRequest request, CancellationToken ct) => PostAsync("sessions/hold", request, s_sessions.HoldRequest, s_sessions.SessionInfo, ct);

    public Task<SessionInfo> ReleaseAsync(ReleaseRequest request, CancellationToken ct) => PostAsync("sessions/release", request, s_sessions.ReleaseRequest, s_sessions.SessionInfo, ct);

    public Task<AgentConversationsResponse> ListConversationsAsync(ConversationsRequest request, CancellationToken ct)
        => PostAsync("conversations", request, s_sessions.ConversationsRequest, s_sessions.AgentConversationsResponse, ct);

    /// <summary>Tells what new sessions of a project begin with, or sets it first.</summary>
    public Task<ProjectDefaults> ProjectDefaultsAsync(ProjectDefaultsRequest request, CancellationToken ct)
        => PostAsync("projects/defaults", request, s_sessions.ProjectDefaultsRequest, s_sessions.ProjectDefaults, ct);

    /// <summary>The session's messages as lines of JSON (<see cref="Envelope"/>). Ends when the daemon stops.</summary>
    /// <param name="after">The last seq that is known.</param>
    public async IAsyncEnumerable<string> FollowAsync(Guid session, long after, [EnumeratorCancellation] CancellationToken ct)
    {
        using var response = await SendAsync(HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"sessions/follow?session={session}&after={after}"), null, ct);
        await ThrowIfRefusedAsync(response, ct);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(ct));
        while (await LineAsync(lines, ct) is { } line)
        {
            yield return line;
        }
    }

    private static async Task<string?> LineAsync(StreamReader lines, CancellationToken ct)
    {
        try
        {
            return await lines.ReadLineAsync(ct);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return null; // the daemon died in the middle of it
        }
    }
}
