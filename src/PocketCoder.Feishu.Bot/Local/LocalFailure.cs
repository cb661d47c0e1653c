using Microsoft.AspNetCore.Http;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>A request that is not done, with the status and the words that its sender gets.</summary>
internal sealed class LocalFailure(int status, ErrorCode code, string message) : Exception(message)
{
    public int Status => status;

    public ErrorCode Code => code;

    public static LocalFailure Wrong(string message) => new(StatusCodes.Status400BadRequest, ErrorCode.InvalidRequest, message);

    public static LocalFailure Conflict(string message) => new(StatusCodes.Status409Conflict, ErrorCode.Conflict, message);

    /// <summary>What the machine refuses.</summary>
    public static LocalFailure Of(WireError error) => new(StatusOf(error.Code), error.Code, error.Message);

    private static int StatusOf(ErrorCode code) => code switch
    {
        ErrorCode.InvalidRequest => StatusCodes.Status400BadRequest,
        ErrorCode.Unauthorized or ErrorCode.PermissionDenied => StatusCodes.Status403Forbidden,
        ErrorCode.ProjectNotFound or ErrorCode.SessionNotFound or ErrorCode.TurnNotFound or ErrorCode.ApprovalNotFound
            or ErrorCode.FileNotFound => StatusCodes.Status404NotFound,
        ErrorCode.RateLimited => StatusCodes.Status429TooManyRequests,
        ErrorCode.DaemonBusy or ErrorCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
        ErrorCode.UnknownError => StatusCodes.Status500InternalServerError,
        _ => StatusCodes.Status409Conflict,
    };
}
