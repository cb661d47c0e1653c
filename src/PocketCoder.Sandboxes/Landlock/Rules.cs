using System.Runtime.InteropServices;
using static PocketCoder.Platform.Calls.FileCalls;
using static PocketCoder.Platform.Calls.ProcessCalls;

namespace PocketCoder.Sandboxes.Landlock;

/// <summary>
/// Puts the calling thread, and what it starts from then on, under Landlock rules (landlock(7)) and the system call filter. There is no way
/// back for the thread. The numbers of the calls are the same on every architecture.
/// </summary>
internal static unsafe class Rules
{
    private const int CreateCall = 444, AddCall = 445, RestrictCall = 446;
    private const int OpenPathOnly = 0x200000 | 0x80000; // O_PATH | O_CLOEXEC
    private const int NoNewPrivileges = 38, SetFilter = 22, FilterMode = 2;

    private const ulong Execute = 1, WriteFile = 2, ReadFile = 4, ReadDirectory = 8, Refer = 1 << 13, Truncate = 1 << 14, DeviceControl =
        1 << 15;
    private const ulong OfFirstVersion = (1UL << 13) - 1;
    private const ulong OfFiles = Execute | WriteFile | ReadFile | Truncate | DeviceControl;

    /// <summary>The kernel's version of the interface; 0 when there is none or it is switched off.</summary>
    public static int Version() => (int)Math.Max(0, SystemCall(CreateCall, 0, 0, 1, 0, 0));

    /// <exception cref="SandboxException">The kernel refuses: <see cref="SandboxError.NotAvailable"/>.</exception>
    public static void RestrictThisThread(IEnumerable<string> readable, IEnumerable<string> writable, byte[] filter)
    {
        var version = Version();
        var all = OfFirstVersion | (version >= 2 ? Refer : 0) | (version >= 3 ? Truncate : 0) | (version >= 5 ? DeviceControl : 0);
        // files; TCP bind and connect; abstract sockets and signals
        var attributes = stackalloc ulong[3] { all, version >= 4 ? 3UL : 0, version >= 6 ? 3UL : 0 };
        var size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
        var set = (int)SystemCall(CreateCall, (nint)attributes, size, 0, 0, 0);
        Check(set >= 0, "landlock_create_ruleset");
        try
        {
            foreach (var path in readable)
            {
                Add(set, path, Execute | ReadFile | ReadDirectory);
            }

            foreach (var path in writable)
            {
                Add(set, path, all);
            }

            Check(Control(NoNewPrivileges, 1, 0, 0, 0) == 0, "no_new_privs");
            Check(SystemCall(RestrictCall, set, 0, 0, 0, 0) == 0, "landlock_restrict_self");
        }
        finally
        {
            _ = CloseDescriptor(set);
        }

        fixed (byte* instructions = filter)
        {
            var program = new FilterProgram { Length = checked((ushort)(filter.Length / 8)), Instructions = instructions };
            Check(Control(SetFilter, FilterMode, (nint)(&program), 0, 0) == 0, "seccomp");
        }
    }

    private static void Add(int set, string path, ulong access)
    {
        var descriptor = OpenPath(path, OpenPathOnly);
        if (descriptor < 0)
        {
            return; // not on this machine: nothing to allow
        }

        try
        {
            var rule = new PathRule { Access = Directory.Exists(path) ? access : access & OfFiles, Descriptor = descriptor };
            if (SystemCall(AddCall, set, 1, (nint)(&rule), 0, 0) != 0)
            {
                // A version of the interface that does not know a right: take what the first one knew.
                rule.Access &= OfFirstVersion;
                Check(SystemCall(AddCall, set, 1, (nint)(&rule), 0, 0) == 0, $"landlock_add_rule {path}");
            }
        }
        finally
        {
            _ = CloseDescriptor(descriptor);
        }
    }

    private static void Check(bool holds, string what)
    {
        if (!holds)
        {
            throw new SandboxException(
                SandboxError.NotAvailable, $"{what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct PathRule
    {
        public ulong Access;
        public int Descriptor;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct FilterProgram
    {
        public ushort Length;
        public byte* Instructions;
    }
}
