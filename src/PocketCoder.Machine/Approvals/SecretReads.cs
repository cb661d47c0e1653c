using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Approvals;

/// <summary>Reading what looks like a secret by its name, in whatever way: only with a decision that allowed it to this device. Thread-safe.</summary>
internal sealed class SecretReads(ProjectDesk asks)
{
    public const string Why = "By its name it holds keys or passwords.";

    public static bool IsSecret(string path) => RiskAssessor.IsSecret(path);

    /// <param name="path">As it stands in messages about files; one decision holds for the file and for what git has of it.</param>
    /// <exception cref="RequestFailure">APPROVAL_REQUIRED, and what <see cref="ProjectDesk.RequireAllowedAsync"/> says</exception>
    public async Task RequireAsync(Caller caller, Guid projectId, string path, Guid? approvalId)
    {
        var digest = ApprovalDigest.OfProject(projectId, "file_read", path);
        if (approvalId is not { } approval)
        {
            throw await asks.RequiredAsync(new ProjectAsk(projectId, caller.Device, ApprovalKind.File, new FileSubject(FileOperation.Read, path, Why), digest));
        }

        await asks.RequireAllowedAsync(approval, projectId, digest, caller.Device);
    }
}
