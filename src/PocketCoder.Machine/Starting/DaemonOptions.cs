using System.Reflection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Entry;
using PocketCoder.Gateway;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Protocol;

namespace PocketCoder.Machine;

/// <summary>Everything the daemon is told when it starts.</summary>
public sealed record DaemonOptions
{
    /// <summary>Where it keeps its files; <see cref="Home.Prepare"/> has been called.</summary>
    public required Home Home { get; init; }

    /// <summary>Demonstration: a scripted agent and a sample project, nothing real.</summary>
    public bool Demo { get; init; }

    /// <summary>What sessions get that do not choose. Null: bubblewrap, else Docker, else they are refused.</summary>
    public SandboxKind? Sandbox { get; init; }

    public GatewayOptions Gateway { get; init; } = GatewayOptions.Default;

    /// <summary>
    /// Where the models of a provider (<c>anthropic</c>, <c>openai</c>, <c>google</c>) are asked instead of at the provider. HTTPS, or
    /// loopback.
    /// </summary>
    public IReadOnlyDictionary<string, Uri> ModelUpstreams { get; init; } = new Dictionary<string, Uri>(StringComparer.Ordinal);

    /// <summary>How long an approval waits for a person before it counts as denied. 10 s to 24 h.</summary>
    public TimeSpan ApprovalTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a turn may go on without getting anywhere.</summary>
    public TurnLimits Limits { get; init; } = TurnLimits.Default;

    /// <summary>What is kept of agents without work.</summary>
    public WarmLimits Warm { get; init; } = WarmLimits.Default;

    /// <summary>Bytes of each output of a command that an agent gets, head and tail; people get all. 4 KiB to 16 MiB.</summary>
    public int OutputLimit { get; init; } = PocketCoder.Sandboxes.CommandSpool.DefaultLimit;

    /// <summary>Ways in beside the app and the command line, each of another platform.</summary>
    public IReadOnlyList<IEntryPoint> EntryPoints { get; init; } = [];

    /// <summary>
    /// The port of the HTTP control plane on 127.0.0.1. 0: any that is free; null: none. Of <see cref="ControlPlane.DaemonHost"/> only.
    /// </summary>
    public int? ControlPort { get; init; }

    /// <summary>
    /// Called each time the machine came to rest: some seconds after the start, after a turn, after a device came or went. On a timer's
    /// thread.
    /// </summary>
    public Action? Rests { get; init; }

    /// <summary>Told what a start does next, in a few words.</summary>
    internal Action<string> Reports { get; init; } = static _ => { };

    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>The program's version, as <c>pocketcoder version</c> prints it.</summary>
    public static string ProductVersion { get; } =
        typeof(DaemonOptions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
}
