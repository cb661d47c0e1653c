using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>What goes wrong with git, as it stands on the wire.</summary>
public static class GitErrors
{
    public static RequestFailure ToRequest(GitException e)
    {
        var code = e.Error switch
        {
            GitError.NotARepository => ErrorCode.GitNotInitialized,
            GitError.InvalidName => ErrorCode.InvalidRequest,
            GitError.Conflict or GitError.Exists or GitError.Locked or GitError.NonFastForward => ErrorCode.Conflict,
            GitError.MergeConflict => ErrorCode.GitConflict,
            GitError.AuthRequired => ErrorCode.GitAuthRequired,
            GitError.TimedOut => ErrorCode.CommandTimeout,
            GitError.HostNotAllowed => ErrorCode.PermissionDenied,
            GitError.NoRoom => ErrorCode.StorageFull,
            _ => ErrorCode.GitError,
        };
        var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["reason"] = Reason(e.Error) };
        if (e.Paths.Count > 0)
        {
            details["paths"] = string.Join('\n', e.Paths);
        }

        return new RequestFailure(code, e.Message, details);
    }

    public static RequestFailure Invalid(string message) => new(ErrorCode.InvalidRequest, message);

    private static string Reason(GitError error) => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(error.ToString());
}
