using System.Runtime.InteropServices;

namespace PocketCoder.Sandboxes.Seccomp;

/// <summary>
/// The system call filter of everything that an agent runs: bytes for seccomp(2), made here and not shipped. It denies what stands in
/// <see cref="SystemCalls.Denied"/> with EPERM and answers "no such call" where programs then fall back to an older one.
/// </summary>
/// <remarks>
/// Beside the list: no new namespaces by clone; no typing into terminals (TIOCSTI, TIOCLINUX); sockets of the families Unix, IPv4, IPv6 and
/// routing netlink only, and of the internet only TCP, UDP and echo (rules about TCP, as Landlock's, know nothing of Multipath TCP or
/// SCTP); no set-user-id or set-group-id bit on any file, since a file made inside is a real file on the host; no calls of another
/// architecture (32-bit programs don't run). Source: seccomp(2), linux/audit.h; the choices are in docs/sandbox.md.
/// </remarks>
internal static class SeccompFilter
{
    public const uint Allow = 0x7FFF0000;
    public const uint KillProcess = 0x80000000;

    public const int NotPermitted = 1, NoSuchCall = 38, NoSuchProtocol = 93, NoSuchType = 94, NoSuchFamily = 97;

    private const uint ArchitectureX64 = 0xC000003E, ArchitectureArm64 = 0xC00000B7;
    private const uint X32Calls = 0x40000000;
    private const uint NewNamespaces = 0x7E020000; // CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}; NEWTIME can't be given to clone
    private const uint SetIdBits = 0xC00;          // S_ISUID | S_ISGID
    private const uint Creates = 0x400040;         // O_CREAT | O_TMPFILE: only then open has a mode
    private const uint InjectInput = 0x5412, LinuxConsole = 0x541C;
    // of the socket types: 1 stream, 2 datagram, 3 raw (needs a capability), 4 and up the others
    private const uint NeitherStreamNorDatagram = 0xC;
    private const uint FamilyUnix = 1, FamilyIPv4 = 2, FamilyIPv6 = 10, FamilyNetlink = 16;

    public static bool IsSupported(Architecture architecture) => architecture is Architecture.X64 or Architecture.Arm64;

    /// <exception cref="SandboxException">No filter is known for this architecture: <see cref="SandboxError.NotAvailable"/>.</exception>
    public static byte[] Build(Architecture architecture, bool allowTracing)
    {
        if (!IsSupported(architecture))
        {
            throw new SandboxException(
                SandboxError.NotAvailable, $"No system call filter is known for {architecture}; the sandbox needs x86-64 or arm64.");
        }

        var program = new BpfAssembler()
            .Load(4)
            .ReturnUnlessEqual(architecture == Architecture.X64 ? ArchitectureX64 : ArchitectureArm64, KillProcess)
            .Load(0);
        if (architecture == Architecture.X64)
        {
            program.ReturnWhenAtLeast(X32Calls, Error(NoSuchCall));
        }

        program.ReturnWhenGreater(SystemCalls.Newest, Error(NoSuchCall));
        foreach (var call in allowTracing ? SystemCalls.Denied : [.. SystemCalls.Denied, .. SystemCalls.Tracing])
        {
            For(call, number => program.ReturnWhenEqual(number, Error(NotPermitted)));
        }

        // Its flags lie in memory, where no filter can look: C libraries fall back to clone and openat.
        For(SystemCalls.Clone3, number => program.ReturnWhenEqual(number, Error(NoSuchCall)));
        For(SystemCalls.OpenAt2, number => program.ReturnWhenEqual(number, Error(NoSuchCall)));

        For(SystemCalls.Clone, number => program.WhenEqual(number, b => b
            .LoadArgument(0)
            .ReturnWhenAnyBit(NewNamespaces, Error(NotPermitted))
            .ReturnAlways(Allow)));
        For(SystemCalls.Ioctl, number => program.WhenEqual(number, b => b
            .LoadArgument(1)
            .ReturnWhenEqual(InjectInput, Error(NotPermitted))
            .ReturnWhenEqual(LinuxConsole, Error(NotPermitted))
            .ReturnAlways(Allow)));
        For(SystemCalls.Socket, number => program.WhenEqual(number, b => b
            .LoadArgument(0)
            .ReturnWhenEqual(FamilyUnix, Allow)
            .WhenEqual(FamilyIPv4, i => Internet(i, echo: InternetProtocols[^2]))
            .WhenEqual(FamilyIPv6, i => Internet(i, echo: InternetProtocols[^1]))
            .ReturnUnlessEqual(FamilyNetlink, Error(NoSuchFamily))
            .LoadArgument(2)
            .ReturnUnlessEqual(0, Error(NoSuchProtocol))
            .ReturnAlways(Allow)));
        For(SystemCalls.Personality, number => program.WhenEqual(number, b => b
            .LoadArgument(0)
            .ReturnWhenEqual(0, Allow)
            .ReturnWhenEqual(uint.MaxValue, Allow) // only asks
            .ReturnAlways(Error(NotPermitted))));
        foreach (var (call, mode) in SystemCalls.WithMode)
        {
            For(call, number => program.WhenEqual(number, b => b
                .LoadArgument(mode)
                .ReturnWhenAnyBit(SetIdBits, Error(NotPermitted))
                .ReturnAlways(Allow)));
        }

        For(SystemCalls.Open, number => program.WhenEqual(number, b => OpenWithMode(b, flags: 1, mode: 2)));
        For(SystemCalls.OpenAt, number => program.WhenEqual(number, b => OpenWithMode(b, flags: 2, mode: 3)));
        return program.ReturnAlways(Allow).ToBytes();

        void For(SystemCall call, Action<uint> add)
        {
            if (call.On(architecture) is >= 0 and var number)
            {
                add((uint)number);
            }
        }
    }

    /// <summary>Of internet sockets: the family's own for the type, TCP, UDP, and echo requests (ICMP for IPv4, ICMPv6 for IPv6).</summary>
    public static readonly uint[] InternetProtocols = [0, 6, 17, 1, 58];

    /// <summary>The action "fail with this errno".</summary>
    public static uint Error(int number) => 0x00050000u | (uint)number;

    private static void Internet(BpfAssembler block, uint echo) => block
        .LoadArgument(1)
        .ReturnWhenAnyBit(NeitherStreamNorDatagram, Error(NoSuchType))
        .LoadArgument(2)
        .ReturnWhenEqual(InternetProtocols[0], Allow)
        .ReturnWhenEqual(InternetProtocols[1], Allow)
        .ReturnWhenEqual(InternetProtocols[2], Allow)
        .ReturnWhenEqual(echo, Allow)
        .ReturnAlways(Error(NoSuchProtocol));

    private static void OpenWithMode(BpfAssembler block, int flags, int mode) => block
        .LoadArgument(flags)
        .ReturnUnlessAnyBit(Creates, Allow)
        .LoadArgument(mode)
        .ReturnWhenAnyBit(SetIdBits, Error(NotPermitted))
        .ReturnAlways(Allow);
}
