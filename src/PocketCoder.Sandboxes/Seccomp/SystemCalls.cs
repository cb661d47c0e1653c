using System.Runtime.InteropServices;

namespace PocketCoder.Sandboxes.Seccomp;

/// <summary>
/// A system call with its number on x86-64 and on arm64 (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h). −1:
/// not there.
/// </summary>
internal readonly record struct SystemCall(string Name, int X64, int Arm64)
{
    public int On(Architecture architecture) => architecture == Architecture.X64 ? X64 : Arm64;
}

/// <summary>The calls that the filter knows by name.</summary>
internal static class SystemCalls
{
    /// <summary>The newest call that was looked at (removexattrat). Later ones do not exist for the sandbox until somebody has.</summary>
    public const uint Newest = 466;

    public static readonly SystemCall Clone = new("clone", 56, 220);
    public static readonly SystemCall Clone3 = new("clone3", 435, 435);
    public static readonly SystemCall Ioctl = new("ioctl", 16, 29);
    public static readonly SystemCall Socket = new("socket", 41, 198);
    public static readonly SystemCall Personality = new("personality", 135, 92);
    public static readonly SystemCall Open = new("open", 2, -1);
    public static readonly SystemCall OpenAt = new("openat", 257, 56);
    public static readonly SystemCall OpenAt2 = new("openat2", 437, 437);

    /// <summary>Calls with a file mode, and which argument it is.</summary>
    public static readonly (SystemCall Call, int Mode)[] WithMode =
    [
        (new("chmod", 90, -1), 1), (new("fchmod", 91, 52), 1), (new("fchmodat", 268, 53), 2), (new("fchmodat2", 452, 452), 2),
        (new("mknod", 133, -1), 1), (new("mknodat", 259, 33), 2), (new("creat", 85, -1), 1),
    ];

    /// <summary>What lets a process look into or steer another one.</summary>
    public static readonly SystemCall[] Tracing =
    [
        new("ptrace", 101, 117), new("process_vm_readv", 310, 270), new("process_vm_writev", 311, 271), new("kcmp", 312, 272),
        new("pidfd_getfd", 438, 438),
    ];

    /// <summary>Never needed by a command, and each has been a way out of somewhere or is administration.</summary>
    public static readonly SystemCall[] Denied =
    [
        // The kernel's key rings are not part of any namespace.
        new("add_key", 248, 217), new("request_key", 249, 218), new("keyctl", 250, 219),

        // Large and often broken parts of the kernel; io_uring also goes round this very filter.
        new("bpf", 321, 280), new("perf_event_open", 298, 241), new("userfaultfd", 323, 282), new("vmsplice", 278, 75),
        new("io_uring_setup", 425, 425), new("io_uring_enter", 426, 426), new("io_uring_register", 427, 427),

        // Mounts and namespaces.
        new("mount", 165, 40), new("umount2", 166, 39), new("pivot_root", 155, 41), new("chroot", 161, 51), new("unshare", 272, 97),
        new("setns", 308, 268),
        new("open_tree", 428, 428), new("move_mount", 429, 429), new("fsopen", 430, 430), new("fsconfig", 431, 431),
        new("fsmount", 432, 432),
        new("fspick", 433, 433), new("mount_setattr", 442, 442), new("statmount", 457, 457), new("listmount", 458, 458),

        // Files by handle go round paths.
        new("name_to_handle_at", 303, 264), new("open_by_handle_at", 304, 265), new("fanotify_init", 300, 262),
        new("fanotify_mark", 301, 263),

        // The machine itself.
        new("kexec_load", 246, 104), new("kexec_file_load", 320, 294), new("init_module", 175, 105), new("finit_module", 313, 273),
        new("delete_module", 176, 106),
        new("create_module", 174, -1), new("get_kernel_syms", 177, -1), new("query_module", 178, -1), new("nfsservctl", 180, 42),
        new("_sysctl", 156, -1),
        new("uselib", 134, -1), new("ustat", 136, -1), new("sysfs", 139, -1), new("syslog", 103, 116), new("swapon", 167, 224),
        new("swapoff", 168, 225),
        new("reboot", 169, 142), new("acct", 163, 89), new("quotactl", 179, 60), new("quotactl_fd", 443, 443), new("vhangup", 153, 58),
        new("settimeofday", 164, 170), new("clock_settime", 227, 112), new("adjtimex", 159, 171), new("clock_adjtime", 305, 266),
        new("iopl", 172, -1), new("ioperm", 173, -1), new("modify_ldt", 154, -1), new("lookup_dcookie", 212, 18),

        // Placement of memory.
        new("mbind", 237, 235), new("set_mempolicy", 238, 237), new("migrate_pages", 256, 238), new("move_pages", 279, 239),
        new("set_mempolicy_home_node", 450, 450),
        new("process_madvise", 440, 440),

        // Memory that nobody else can look into, not even who has to measure it.
        new("memfd_secret", 447, 447),
    ];
}
