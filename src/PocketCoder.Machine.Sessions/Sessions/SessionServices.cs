using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.SessionLinks;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Sessions;

/// <summary>What every session needs from the machine.</summary>
public sealed record SessionServices(
    Store Store, ApprovalService Approvals, SandboxService Sandboxes, AgentStarter Agents, ModelService Models, SecretService Secrets,
    SnapshotService Snapshots, TimeProvider Time, ILogger Logger)
{
    /// <summary>Where the parts below sessions find a session.</summary>
    public required LiveSessions Live { get; init; }

    /// <summary>What commands wrote and agents sent.</summary>
    public required SessionArchive Archive { get; init; }

    /// <summary>Looks at what commands leave behind.</summary>
    public required RepositoryGuard Guard { get; init; }

    /// <summary>The daemon's own folders, by their real paths: no tool of an agent reads there.</summary>
    public IReadOnlyList<string> Closed { get; init; } = [];

    /// <summary>What people sent.</summary>
    public required AttachmentStore Attachments { get; init; }

    /// <summary>Terminals that go on with a session's conversation.</summary>
    public required TerminalLocks Locks { get; init; }

    /// <summary>What was begun in a terminal.</summary>
    public required ConversationService Conversations { get; init; }

    /// <summary>Where the models that agents tell are remembered, for those who choose one.</summary>
    public KnownModels KnownModels { get; init; } = new();

    /// <summary>What the machine keeps of agents without work.</summary>
    public required WarmPool Warm { get; init; }

    /// <summary>For tests: called by name at each step of a decision; what it throws is thrown there.</summary>
    public Action<string> Seam { get; init; } = static _ => { };

    /// <summary>How long a turn may go on without getting anywhere.</summary>
    public TurnLimits Limits { get; init; } = TurnLimits.Default;

    /// <summary>Bytes of each output that an agent gets.</summary>
    public int OutputLimit { get; init; } = PocketCoder.Sandboxes.CommandSpool.DefaultLimit;
}
