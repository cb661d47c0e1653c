using System.Text;
using System.Text.Json.Serialization;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Protocol;

namespace PocketCoder.Workspace;

/// <summary>One project's files, as the machine knows it.</summary>
/// <param name="Path">The project's folder.</param>
/// <param name="State">A private folder of the machine's for this project's trash, unfinished uploads and notes; made at first use.</param>
public sealed record WorkspaceOptions(string Path, string State)
{
    /// <summary>Absolute real paths that nobody sees or reaches: the daemon's own folders.</summary>
    public IReadOnlyList<string> Closed { get; init; } = [];

    /// <summary>Whether a file with this absolute path holds keys or passwords, by its name.</summary>
    public Func<string, bool> IsSecret { get; init; } = static _ => false;

    /// <summary>Whether a path, relative to the project, leads to configuration that other programs obey.</summary>
    public Func<string, bool> IsProtected { get; init; } = static _ => false;

    /// <summary>Marks of git by name for what is in one folder, when somebody can tell.</summary>
    public Func<string, CancellationToken, ValueTask<IReadOnlyDictionary<string, string>>>? GitStatus { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Do without openat2, a component at a time.</summary>
    public bool WalkOnly { get; init; }

    /// <summary>The program <c>rg</c>; null: search without it.</summary>
    public string? Ripgrep { get; init; }

    /// <summary>How long a search takes at most.</summary>
    public TimeSpan SearchTime { get; init; } = TimeSpan.FromSeconds(10);

    internal bool IsSecretAt(ProjectPath path) => IsSecret(System.IO.Path.Combine(Path, Text(path)));

    internal bool IsProtectedAt(ProjectPath path) => IsProtected(Text(path));

    private static string Text(ProjectPath path) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(path.Raw));
}

/// <summary>What is about to be done to a project's files, for whoever keeps a record. Nothing was changed yet.</summary>
/// <param name="To">Of a move: where to.</param>
/// <param name="Sha256">Of the content that is written.</param>
public sealed record FileChange(FileAction Action, string Path, string? To = null, string? Sha256 = null, long? Bytes = null);

/// <summary>Called right before a change takes effect, when all checks have passed; what it throws keeps it from happening.</summary>
public delegate ValueTask Recorder(FileChange change);
