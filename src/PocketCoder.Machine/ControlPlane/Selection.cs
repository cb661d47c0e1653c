using PocketCoder.Machine.Paths;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// Finds the one thing a person means by an id, the beginning of an id, a name or a path. Several is an error, not a guess.
/// </summary>
internal static class Selection
{
    /// <summary>Shortest beginning of an id that counts.</summary>
    private const int ShortestPrefix = 4;

    public static ProjectInfo Project(IReadOnlyList<ProjectInfo> all, string text)
    {
        var path = Path.IsPathFullyQualified(text) ? RealPath(text) : null;
        return One(
            all,
            text,
            "project",
            ErrorCode.ProjectNotFound,
            "pocketcoder projects",
            p => p.ProjectId.ToString() == text || p.Path == path || p.Path == text,
            p => p.Name == text,
            p => p.ProjectId.ToString().StartsWith(text, StringComparison.OrdinalIgnoreCase),
            p => $"{p.ProjectId} {p.Path}");
    }

    public static DeviceInfo Device(IReadOnlyList<DeviceInfo> all, string text) => One(
        all,
        text,
        "device",
        ErrorCode.DeviceNotFound,
        "pocketcoder devices list",
        d => d.DeviceId == text,
        d => d.Name == text && d.RevokedAt is null,
        d => d.DeviceId.StartsWith(text, StringComparison.OrdinalIgnoreCase),
        d => d.DeviceId);

    /// <param name="all">Those of the platform.</param>
    public static DeviceInfo Person(IReadOnlyList<DeviceInfo> all, string platform, string text) => One(
        all,
        text,
        "person in these chats",
        ErrorCode.DeviceNotFound,
        $"pocketcoder {platform} status",
        d => d.DeviceId == text,
        d => d.Name == text,
        d => d.DeviceId.StartsWith(text, StringComparison.OrdinalIgnoreCase),
        d => d.DeviceId);

    public static SessionInfo Session(IReadOnlyList<SessionInfo> all, string text) => One(
        all,
        text,
        "session",
        ErrorCode.SessionNotFound,
        "pocketcoder sessions",
        s => s.AgentSessionId.ToString() == text,
        s => s.Title == text,
        s => s.AgentSessionId.ToString().StartsWith(text, StringComparison.OrdinalIgnoreCase),
        s => s.AgentSessionId.ToString());

    public static JobInfo Job(IReadOnlyList<JobInfo> all, string text) => One(
        all,
        text,
        "job that runs",
        ErrorCode.ApprovalNotFound,
        "pocketcoder jobs",
        j => j.ApprovalId.ToString() == text,
        j => j.Job == text,
        j => j.ApprovalId.ToString().StartsWith(text, StringComparison.OrdinalIgnoreCase),
        j => $"{j.ApprovalId} ({j.Job})");

    public static NetworkRuleInfo Rule(IReadOnlyList<NetworkRuleInfo> all, string text) => One(
        all,
        text,
        "network rule",
        ErrorCode.Conflict,
        "pocketcoder network list",
        r => r.RuleId.ToString() == text,
        _ => false,
        r => r.RuleId.ToString().StartsWith(text, StringComparison.OrdinalIgnoreCase),
        r => $"{r.RuleId} {r.Pattern}");

    /// <summary>The path with every link in it followed.</summary>
    private static string RealPath(string path)
    {
        try
        {
            return Paths.RealPath.Of(path);
        }
        catch (LinkCircleException e)
        {
            throw new ControlException(ErrorCode.InvalidRequest, e.Message, e);
        }
    }

    private static T One<T>(
        IReadOnlyList<T> all, string text, string what, ErrorCode notFound, string how, Func<T, bool> exact, Func<T, bool> named,
        Func<T, bool> begins, Func<T, string> id)
    {
        foreach (var way in (Func<T, bool>[])[exact, named, i => text.Length >= ShortestPrefix && begins(i)])
        {
            var found = all.Where(way).Take(5).ToList();
            if (found.Count == 1)
            {
                return found[0];
            }

            if (found.Count > 1)
            {
                throw new ControlException(ErrorCode.Conflict, $"Ambiguous: {string.Join(" or ", found.Select(id))}. Give the full id.");
            }
        }

        throw new ControlException(notFound, $"No such {what}. See: {how}");
    }
}
