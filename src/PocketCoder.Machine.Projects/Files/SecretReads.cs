using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Risks;
using PocketCoder.Risks.Paths;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Files;

/// <summary>
/// Reading what looks like a secret by its name, in whatever way: only with a decision that allowed it to this device. Thread-safe.
/// </summary>
public sealed class SecretReads(PersonApprovals asks)
{
    public const string Why = "By its name it holds keys or passwords.";

    public static bool IsSecret(string path) => RiskAssessor.IsSecret(path);

    /// <param name="path">As it stands in messages about files; one decision holds for the file and for what git has of it.</param>
    /// <param name="seal">What stands there now (<see cref="SealOf"/>): the decision is about that, and no more once it is something
    /// else.</param>
    /// <exception cref="RequestFailure">APPROVAL_REQUIRED, and what <see cref="PersonApprovals.RequireAllowedAsync"/> says</exception>
    public async Task RequireAsync(DeviceCaller caller, Guid projectId, string path, string seal, Guid? approvalId)
    {
        var exactly = ApprovalDigest.OfProject(projectId, "file_read", path, asks.Sealed(seal));
        if (approvalId is not { } approval)
        {
            throw await asks.RequiredAsync(
                new ProjectAsk(projectId, caller.Device, ApprovalKind.File, new FileSubject(FileOperation.Read, path, Why), exactly));
        }

        await asks.RequireAllowedAsync(approval, projectId, exactly, caller.Device);
    }

    /// <summary>A project's files, as far as looking at one needs it.</summary>
    public static WorkspaceOptions Options(string folder, IReadOnlyList<string> closed)
        => new(folder, "") { Closed = closed, IsSecret = IsSecret, IsProtected = ProtectedPaths.Covers };

    /// <summary>
    /// What stands at a path of a project, for <see cref="RequireAsync"/>; also when nothing does, and git has it all the same.
    /// </summary>
    /// <exception cref="WorkspaceException">It can't be looked at.</exception>
    public static string SealOf(WorkspaceOptions options, string path)
    {
        try
        {
            using var hold = PinnedFile.Open(options, path);
            return hold.Seal();
        }
        catch (WorkspaceException e) when (e.Error.Code is ErrorCode.FileNotFound or ErrorCode.NotADirectory)
        {
            return "nothing";
        }
    }
}
