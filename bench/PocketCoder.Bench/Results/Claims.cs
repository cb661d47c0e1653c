namespace PocketCoder.Bench.Results;

/// <summary>Every number of this project with its bound, in one place. README.md beside this says how each is measured.</summary>
internal static class Claims
{
    public static readonly Claim Ready = new("start.ready", "ready after start (process start → /healthz answers)", "ms", 400);
    public static readonly Claim ReadyCpu = new(
        "start.cpu", "the same: processor of the daemon until the control socket answered too", "ms");
    public static readonly Claim BareReady = new(
        "start.bare", "for comparison: Kestrel alone, with the .NET runtime in its file, ready", "ms");
    public static readonly Claim BareNativeReady = new("start.bare.native", "for comparison: Kestrel alone, as native code, ready", "ms");
    public static readonly Claim ReadyRatio = new(
        "start.ratio", "ready, as much as so many times Kestrel alone with the runtime", "times", 2.5);
    public static readonly Claim NativeReadyRatio = new(
        "start.ratio.native", "ready, as much as so many times Kestrel alone as native code", "times");
    public static readonly Claim ProgramSize = new("program.size", "the program: one file with everything in it", "MB", 60);

    public static readonly Claim IdleRss = new("memory.idle.rss", "idle memory, no device: RSS", "MB", 70);
    public static readonly Claim IdlePss = new("memory.idle.pss", "idle memory, no device: PSS", "MB", 60);
    public static readonly Claim BareRss = new(
        "memory.bare.rss", "for comparison: Kestrel alone, with the .NET runtime in its file: RSS", "MB");
    public static readonly Claim BareNativeRss = new("memory.bare.native.rss", "for comparison: Kestrel alone, as native code: RSS", "MB");
    public static readonly Claim MemoryRatio = new(
        "memory.ratio", "idle memory (RSS), as much as so many times Kestrel alone with the runtime", "times", 1.6);
    public static readonly Claim NativeMemoryRatio = new(
        "memory.ratio.native", "idle memory (RSS), as much as so many times Kestrel alone as native code", "times");
    public static readonly Claim ConnectedRss = new("memory.connected.rss", "idle memory, one device connected: RSS", "MB", 80);
    public static readonly Claim ConnectedPss = new("memory.connected.pss", "idle memory, one device connected: PSS", "MB", 80);

    public static readonly Claim TokenP50 = new("token.p50", "token: agent's stdout → device, decrypted, p50", "ms", 2);
    public static readonly Claim TokenP99 = new("token.p99", "token: agent's stdout → device, decrypted, p99", "ms", 10);
    public static readonly Claim DecisionP50 = new("decision.p50", "decision: sent by the device → agent told, p50", "ms");
    public static readonly Claim DecisionP99 = new("decision.p99", "decision: sent by the device → agent told, p99", "ms", 5);
    public static readonly Claim Resume = new("resume.first", "resume after 10,000 missed events (connect → last event read)", "ms", 300);
    public static readonly Claim ResumeAgain = new("resume.again", "the same, by the same daemon once more", "ms", 300);
    public static readonly Claim WorkedRss = new("memory.worked.rss", "memory right after that work: RSS", "MB");

    public static readonly Claim CodexP50 = new("agents.codex.p50", "our side of Codex: its stdout → device, decrypted, p50", "ms");
    public static readonly Claim CodexP99 = new("agents.codex.p99", "our side of Codex: its stdout → device, decrypted, p99", "ms", 5);
    public static readonly Claim OpenCodeP50 = new("agents.opencode.p50", "our side of OpenCode: its event → device, decrypted, p50", "ms");
    public static readonly Claim OpenCodeP99 = new(
        "agents.opencode.p99", "our side of OpenCode: its event → device, decrypted, p99", "ms", 5);
    public static readonly Claim AcpP50 = new("agents.acp.p50", "our side of an ACP agent: its stdout → device, decrypted, p50", "ms");
    public static readonly Claim AcpP99 = new("agents.acp.p99", "our side of an ACP agent: its stdout → device, decrypted, p99", "ms", 5);
    public static readonly Claim ClaudeP50 = new("agents.claude.p50", "our side of Claude Code: its stdout → device, decrypted, p50", "ms");
    public static readonly Claim ClaudeP99 = new(
        "agents.claude.p99", "our side of Claude Code: its stdout → device, decrypted, p99", "ms", 5);

    public static readonly Claim FirstCold = new(
        "agents.first.cold", "the real Claude Code, resumed: prompt sent → first token at the device", "ms");
    public static readonly Claim FirstWarm = new("agents.first.warm", "the same, started ahead of the prompt", "ms");
    public static readonly Claim FirstRatio = new(
        "agents.first.ratio", "how much sooner the first token of one that was started ahead comes", "times", 1.5, AtLeast: true);

    public static readonly Claim ScaleResume = new(
        "scale.resume", "resume after 200,000 missed events, by batches (connect → last event read)", "ms", 2_000);
    public static readonly Claim ScaleResumeSingle = new(
        "scale.resume.single", "the same, a message an event (as older apps ask for it)", "ms");
    public static readonly Claim ScaleResumeCpu = new("scale.resume.cpu", "the same by batches: processor of the daemon", "ms");
    public static readonly Claim ScaleResumeRatio = new(
        "scale.resume.ratio", "how many times less of the daemon's processor batches take", "times", 2, AtLeast: true);
    public static readonly Claim ScaleFollowers = new(
        "scale.followers", "240 followers of one stream at 80 tokens/s: processor of the daemon", "% of a core");
    public static readonly Claim ScaleFollowerMessages = new(
        "scale.followers.messages", "the same: messages to each of them (fewer and longer ones when the machine is behind)", "a second");
    public static readonly Claim ScaleFollowerMessage = new(
        "scale.followers.message", "the same: processor of the daemon for one of these messages", "µs");
    public static readonly Claim ScaleFollowersRatio = new(
        "scale.followers.ratio", "the same: as much as so many times one follower", "times", 60);
    public static readonly Claim ScaleStateWhole = new("scale.state.whole", "1,000 sessions: machine_state at once", "bytes");
    public static readonly Claim ScaleStateFirst = new(
        "scale.state.first", "1,000 sessions: machine_state with the first page of 50", "bytes", 65_536);
    public static readonly Claim ScaleStateWholeTime = new("scale.state.whole.time", "1,000 sessions: asked → all at once", "ms");
    public static readonly Claim ScaleStateFirstTime = new("scale.state.first.time", "1,000 sessions: asked → the first page", "ms");
    public static readonly Claim ScaleStatePagesTime = new("scale.state.pages.time", "1,000 sessions: asked → the last page", "ms");

    public static readonly Claim Append = new(
        "ledger.append", "ledger: durable appends under load (200 producers)", "rows/s", 20_000, AtLeast: true);
    public static readonly Claim AppendP99 = new("ledger.append.p99", "ledger: one append under that load, p99", "ms");
    public static readonly Claim AppendAlone = new("ledger.append.alone", "ledger: durable appends of one producer", "rows/s");
    public static readonly Claim Events = new(
        "ledger.events", "events: durable appends under load (200 producers, 10 streams)", "events/s");
    public static readonly Claim Verify = new("ledger.verify", "ledger: verify", "rows/s", 100_000, AtLeast: true);
    public static readonly Claim Sync = new("disk.sync", "for comparison: this disk's write and fsync of 4 KiB, p50", "ms");

    public static readonly Claim SandboxNew = new("sandbox.new", "sandbox: a new session's", "ms", 150);
    public static readonly Claim SandboxMemory = new("sandbox.memory", "sandbox: memory of an idle one (PSS)", "MB");
    public static readonly Claim CommandBare = new(
        "sandbox.command.bare", "command without a sandbox: start → its output read and its end known", "ms");
    public static readonly Claim CommandOver = new("sandbox.command.over", "the same in a sandbox, over that", "ms", 30);
    public static readonly Claim Echo = new("terminal.echo.p50", "terminal: key written → its echo read, p50", "ms");
    public static readonly Claim EchoP99 = new("terminal.echo.p99", "terminal: key written → its echo read, p99", "ms");
    public static readonly Claim TerminalFlood = new("terminal.flood", "terminal: what a flood is carried at", "MB/s");
    public static readonly Claim BrokerAdded = new(
        "broker.added.p50", "model broker: added to one delta, p50 (through it − direct, same run)", "ms", 1);
    public static readonly Claim BrokerDirect = new("broker.direct.p50", "for comparison: one delta straight from the upstream, p50", "ms");
    public static readonly Claim BrokerRequest = new("broker.request.p50", "model broker: added to a whole short request, p50", "ms");

    public static readonly Claim GatewayReady = new("gateway.ready", "gateway alone: ready after start", "ms", 400);
    public static readonly Claim GatewayIdle = new("gateway.idle.rss", "gateway alone: idle memory (RSS)", "MB", 70);
    public static readonly Claim GatewayHopP50 = new("gateway.hop.p50", "gateway: adds to a frame of 1 KB from machine to device, p50", "ms", 1);
    public static readonly Claim GatewayHopP99 = new("gateway.hop.p99", "gateway: adds to a frame of 1 KB from machine to device, p99", "ms");
    public static readonly Claim GatewayFrames = new("gateway.frames", "gateway: frames of 1 KB relayed to one device", "frames/s");
    public static readonly Claim GatewayDevice = new("gateway.device", "gateway: memory for each of 5,000 idle devices (RSS)", "bytes");
    public static readonly Claim GatewayStorm = new("gateway.storm", "gateway restarted: all 5,000 devices are back and answered", "ms");
    public static readonly Claim GatewayStormCpu = new("gateway.storm.cpu", "the same: processor of the gateway for each device", "ms");
    public static readonly Claim GatewayWake = new(
        "gateway.wake", "a machine wakes, its gateway restarted meanwhile → it is connected", "ms");

    public static readonly Claim PushP50 = new("push.p50", "notification: asked of the daemon → the webhook is called, p50", "ms", 20);
    public static readonly Claim PushP99 = new("push.p99", "notification: asked of the daemon → the webhook is called, p99", "ms");

    public static readonly Claim FilesList = new("files.list", "files: list a folder of 10,000 entries", "ms", 50);
    public static readonly Claim FilesSearch = new("files.search", "files: search the lines of 100,000 small files", "ms");
    public static readonly Claim FilesNames = new("files.names", "files: search 100,000 names", "ms");
    public static readonly Claim WatchReady = new("files.watch.ready", "files: watching 100,000 files, ready", "ms", 2_000);
    public static readonly Claim WatchMemory = new("files.watch.memory", "files: watching 100,000 files, memory more", "MB", 50);
    public static readonly Claim WatchTold = new("files.watch.told", "files: a file written → told (250 ms of quiet are meant)", "ms");

    public static readonly Claim SnapshotNothing = new(
        "snapshot.before", "snapshot before something allowed begins, 10,000 files", "ms", 15);
    public static readonly Claim SnapshotGit = new("snapshot.git", "for comparison: git lists the names of these files", "ms");

    public static readonly Claim AppBytes = new("app.bytes", "app: first load as sent (Brotli)", "bytes", 70_000);
    public static readonly Claim AppFresh = new("app.fresh", "app: fresh browser → pairing screen", "ms", 1_000);
    public static readonly Claim AppCold = new("app.paired.cold", "app: paired, nothing cached → list of sessions", "ms", 900);
    public static readonly Claim AppWarm = new("app.paired.warm", "app: paired, opened again → list of sessions", "ms", 1_000);

    public static readonly IReadOnlyList<Claim> All =
    [
        Ready, ReadyCpu, BareReady, ReadyRatio, BareNativeReady, NativeReadyRatio, ProgramSize, IdleRss, IdlePss, BareRss, MemoryRatio,
        BareNativeRss, NativeMemoryRatio, ConnectedRss, ConnectedPss, TokenP50, TokenP99, DecisionP50, DecisionP99, Resume, ResumeAgain,
        WorkedRss, ClaudeP50, ClaudeP99, CodexP50, CodexP99, OpenCodeP50, OpenCodeP99, AcpP50, AcpP99, FirstCold, FirstWarm, FirstRatio,
        ScaleResume, ScaleResumeSingle, ScaleResumeCpu, ScaleResumeRatio, ScaleFollowers, ScaleFollowerMessages, ScaleFollowerMessage,
        ScaleFollowersRatio, ScaleStateWhole, ScaleStateFirst, ScaleStateWholeTime, ScaleStateFirstTime, ScaleStatePagesTime,
        Append, AppendP99, AppendAlone, Events, Verify, Sync, SandboxNew, SandboxMemory, CommandBare, CommandOver, Echo, EchoP99,
        TerminalFlood, BrokerAdded, BrokerDirect, BrokerRequest, GatewayReady, GatewayIdle, GatewayHopP50, GatewayHopP99, GatewayFrames,
        GatewayDevice, GatewayStorm, GatewayStormCpu, GatewayWake, PushP50, PushP99,
        FilesList, FilesSearch, FilesNames, WatchReady, WatchMemory, WatchTold,
        SnapshotNothing, SnapshotGit, AppBytes, AppFresh, AppCold, AppWarm,
    ];
}
