using PocketCoder.Git;
using PocketCoder.Ledger;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Sandboxes;

namespace PocketCoder.Machine.Git.Clones;

/// <summary>A clone that runs: how far it is, and who ended it. Thread-safe.</summary>
/// <param name="announce">Told of each step, at most four times a second, and of the end.</param>
internal sealed class CloneAttempt(
    CloneRecord clone, RemoteAddress address, SandboxKind sandbox, Action<CloneInfo> announce, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new(); // guards _info, _toldAt, _ended, _why
    private readonly CancellationTokenSource _stop = new();
    private CloneInfo _info = new(
        clone.CloneId, clone.Path, clone.Address, CloneState.Running, ClonePhase.Connecting, null, null, null);
    private long _toldAt;
    private bool _ended;
    private WireError? _why;

    public CloneRecord Clone { get; set; } = clone;

    /// <summary>The folder in which it is made, held open; whoever runs it lets go of it.</summary>
    public required FolderBrowser.OpenFolder Parent { get; init; }

    public RemoteAddress Address => address;

    public SandboxKind Sandbox => sandbox;

    public CancellationToken Stopping => _stop.Token;

    /// <summary>Its work, to its end.</summary>
    public Task Work { get; set; } = Task.CompletedTask;

    public CloneInfo Info
    {
        get
        {
            lock (_gate)
            {
                return _info;
            }
        }
    }

    /// <summary>Phases only go on: the other side can't send us back and forth.</summary>
    public void Tell(ClonePhase phase, int? percent)
    {
        CloneInfo told;
        lock (_gate)
        {
            if (_info.State != CloneState.Running || phase < _info.Phase || (phase, percent) == (_info.Phase, _info.Percent))
            {
                return;
            }

            var next = phase != _info.Phase;
            _info = told = _info with { Phase = phase, Percent = percent };
            if (!next && time.GetElapsedTime(_toldAt) < TransferProgress.Pause)
            {
                return;
            }

            _toldAt = time.GetTimestamp();
        }

        announce(told);
    }

    /// <summary>Ends it; the first reason counts.</summary>
    /// <param name="why">Null: a person wanted that.</param>
    public void End(WireError? why)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            (_ended, _why) = (true, why);
        }

        _stop.Cancel();
    }

    /// <summary>What an exception of its work means: how it ended, and why.</summary>
    public (CloneState State, WireError? Error) EndOf(Exception e)
    {
        lock (_gate)
        {
            if (_ended)
            {
                return (_why is null ? CloneState.Cancelled : CloneState.Failed, _why);
            }
        }

        return (CloneState.Failed, e switch
        {
            RequestFailure refused => refused.Error,
            GitException git => GitErrors.ToRequest(git).Error,
            SandboxException made => new WireError(ErrorCode.SandboxUnavailable, made.Message),
            LedgerException ledger => new WireError(
                ErrorCode.Unavailable, $"The machine can't write its ledger, so it is no project: {ledger.Message}"),
            IOException or UnauthorizedAccessException => new WireError(ErrorCode.PermissionDenied, e.Message),
            _ => new WireError(ErrorCode.UnknownError, "Something went wrong on the machine. Its log (pocketcoder logs) tells more."),
        });
    }

    /// <summary>Whether the log has nothing to learn from it.</summary>
    public static bool IsExpected(Exception e) => e is RequestFailure or GitException or SandboxException or LedgerException or IOException
        or UnauthorizedAccessException or OperationCanceledException;

    /// <summary>How it ended; everybody who looks is told.</summary>
    public void Over(CloneState state, ProjectInfo? project, WireError? error)
    {
        CloneInfo told;
        lock (_gate)
        {
            _ended = true;
            _info = told = _info with { State = state, Phase = null, Percent = null, Project = project, Error = error };
        }

        announce(told);
    }

    public void Dispose() => _stop.Dispose();
}
