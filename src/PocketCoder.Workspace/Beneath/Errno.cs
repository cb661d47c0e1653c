using System.Runtime.InteropServices;
using PocketCoder.Protocol;

namespace PocketCoder.Workspace.Beneath;

/// <summary>Numbers of Linux for what can go wrong, and what they mean to a device. Stateless.</summary>
public static class Errno
{
    public const int NotPermitted = 1, NotFound = 2, Again = 11, Denied = 13, Exists = 17, CrossDevice = 18, NotADirectory =
        20, IsADirectory = 21, Invalid = 22, TooManyFiles = 24, Busy = 26, TooBig = 27,
        NoSpace = 28, ReadOnly = 30, NameTooLong = 36, NotImplemented = 38, NotEmpty = 39, Loop = 40, Quota = 122, SystemFiles = 23;

    /// <summary>A failed call on something in a project.</summary>
    internal static WorkspaceException Failure(int error, ProjectPath path)
    {
        var shown = path.IsRoot ? "The project's folder" : path.Wire;
        return error switch
        {
            NotFound => new(ErrorCode.FileNotFound, $"{shown} does not exist."),
            Loop => new(ErrorCode.FileNotFound, $"{shown} is a loop of symbolic links."),
            NotPermitted or Denied => new(ErrorCode.PermissionDenied, $"{shown}: permission denied for the user that runs PocketCoder."),
            ReadOnly => new(ErrorCode.StorageFull, $"{shown} is on a read-only file system."),
            NotADirectory => new(ErrorCode.NotADirectory, $"{shown} is not a directory, or not in one."),
            IsADirectory => new(ErrorCode.IsADirectory, $"{shown} is a directory."),
            Exists or NotEmpty => new(ErrorCode.FileExists, $"{shown} already exists."),
            CrossDevice => ProjectPath.Outside(),
            NameTooLong => new(ErrorCode.InvalidRequest, "That name is too long for the file system."),
            Invalid => new(ErrorCode.InvalidRequest, $"The file system does not do that with {shown}."),
            Busy => new(ErrorCode.Conflict, $"{shown} is in use."),
            NoSpace or Quota => new(ErrorCode.StorageFull, "The machine's disk is full. Nothing was changed. Free some space."),
            TooBig => new(ErrorCode.StorageFull, "The file exceeds the machine's size limit. Nothing was changed."),
            TooManyFiles or SystemFiles => new(ErrorCode.DaemonBusy, "The machine has too many files open. Try again."),
            _ => new(ErrorCode.Unavailable, $"{shown}: {Marshal.GetPInvokeErrorMessage(error)}"),
        };
    }

    /// <summary>A failed read or write of .NET's on an open file.</summary>
    internal static WorkspaceException Failure(Exception error, ProjectPath path) => error switch
    {
        WorkspaceException known => known,
        UnauthorizedAccessException => Failure(Denied, path),
        IOException { HResult: > 0 and < 200 } io => Failure(io.HResult, path), // on Unix the system's own number
        _ => new(ErrorCode.Unavailable, $"{path.Wire}: {error.Message}"),
    };
}
