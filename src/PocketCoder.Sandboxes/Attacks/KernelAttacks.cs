using PocketCoder.Sandboxes.Seccomp;
using static PocketCoder.Sandboxes.AttackKinds;

namespace PocketCoder.Sandboxes;

/// <summary>Against the kernel: calls, devices, settings, namespaces.</summary>
internal static class KernelAttacks
{
    public static readonly Attack[] All =
    [
        Script("core-pattern", "Make the host run a program at the next crash (/proc/sys/kernel/core_pattern)", "an ordinary user outside",
            """
            if (: >> /proc/sys/kernel/core_pattern) 2> /dev/null; then echo BROKEN it can be written; else echo HELD; fi
            """),
        Script("kernel-settings", "Change settings of the kernel", "an ordinary user outside", """
            for f in /proc/sys/vm/drop_caches /proc/sys/kernel/hostname /proc/sys/kernel/modprobe /proc/sys/fs/file-max; do
                if (: >> $f) 2> /dev/null; then echo BROKEN $f; fi
            done
            echo HELD
            """),
        Script("sysrq", "Crash or restart the machine (/proc/sysrq-trigger)", "a /proc without it", """
            if (: >> /proc/sysrq-trigger) 2> /dev/null; then echo BROKEN it can be written; else echo HELD; fi
            """),
        Script("capabilities", "Hold any capability", "all dropped", """
            while read -r n v; do case $n in CapEff:|CapPrm:|CapInh:|CapAmb:) case $v in *[!0]*) echo BROKEN $n $v ;; esac ;; esac; done < /proc/self/status
            echo HELD
            """),
        Script("devices", "Open disks, kernel log, virtual machines, FUSE, tunnels", "a /dev of its own", """
            for d in /dev/vda /dev/sda /dev/nvme0n1 /dev/kmsg /dev/mem /dev/kvm /dev/fuse /dev/net/tun /dev/loop-control /dev/vhost-vsock /dev/uinput; do
                if [ -e $d ] && (: < $d) 2> /dev/null; then echo BROKEN $d; fi
            done
            echo HELD
            """),
        Script("make-device", "Create a device file for the disk", "no capability, nodev", """
            if mknod ./disk b 254 0 2> /dev/null && (: < ./disk) 2> /dev/null; then echo BROKEN; else echo HELD; fi
            rm -f ./disk
            """),
        Script("set-user-id", "Leave a program on the host that runs as its owner", "the system call filter", """
            cp /usr/bin/id ./id-setuid && chmod 4755 ./id-setuid 2> /dev/null
            if [ -u ./id-setuid ]; then echo BROKEN by chmod; fi
            rm -f ./id-setuid
            if command -v perl > /dev/null; then
                perl -e 'use Fcntl; umask 0; sysopen(F, "./created", O_CREAT|O_WRONLY, 04755);'
                if [ -u ./created ]; then echo BROKEN by open; fi
            fi
            rm -f ./created
            echo HELD
            """),
        Script("user-namespace", "Become root in a new user namespace", "the filter, and a limit of none", """
            if unshare -U true 2> /dev/null; then echo BROKEN; else echo HELD; fi
            """),
        Script("raise-limits", "Raise its own limits", "hard limits without the capability", """
            if prlimit --nproc=100000:100000 true 2> /dev/null; then echo BROKEN processes; fi
            if prlimit --fsize=unlimited:unlimited true 2> /dev/null; then echo BROKEN file size; fi
            echo HELD
            """),
        Call("trace", "Trace a process", Denied("ptrace"), ", 0, 0, 0, 0", NotPermitted),
        Call("read-memory", "Read another process's memory", Denied("process_vm_readv"), ", 1, 0, 0, 0, 0, 0", NotPermitted),
        Call("take-descriptor", "Take a descriptor out of another process", Denied("pidfd_getfd"), ", -1, 0, 0", NotPermitted),
        Call("keys", "Use the kernel's key rings, which namespaces don't isolate", Denied("keyctl"), ", 0, -3, 0", NotPermitted),
        Call("bpf", "Load programs into the kernel", Denied("bpf"), ", 0, 0, 0", NotPermitted),
        Call("io-uring", "Bypass the filter with io_uring", Denied("io_uring_setup"), ", 0, 0", NotPermitted),
        Call("userfaultfd", "Hold the kernel at a page fault", Denied("userfaultfd"), ", -1", NotPermitted),
        Call("performance-counters", "Watch the machine with performance counters", Denied("perf_event_open"), ", 0, 0, -1, -1, 0",
            NotPermitted),
        Call("mount", "Mount something", Denied("mount"), ", 0, 0, 0, 0, 0", NotPermitted),
        Call("mount-new-way", "Mount something with the new calls", Denied("fsopen"), ", 0, 0", NotPermitted),
        Call("enter-namespace", "Enter another namespace", Denied("setns"), ", -1, 0", NotPermitted),
        Call("new-namespace-by-clone", "Make a user namespace by clone", SystemCalls.Clone, ", 0x10000000|0x80000000, 0, 0, 0, 0",
            NotPermitted),
        Call("new-namespace-by-clone3", "Make a namespace that no filter can inspect", SystemCalls.Clone3, ", 0, 0", NoSuchCall),
        Call("change-root", "Change the root directory", Denied("chroot"), ", 0", NotPermitted),
        Call("open-by-handle", "Open a file without a path", Denied("open_by_handle_at"), ", -1, 0, 0", NotPermitted),
        Call("kernel-log", "Read the kernel's log", Denied("syslog"), ", 3, 0, 0", NotPermitted),
        Call("kernel-module", "Load a module", Denied("finit_module"), ", -1, 0, 0", NotPermitted),
        Call("secret-memory", "Allocate memory that nobody can inspect (memfd_secret)", Denied("memfd_secret"), ", 0", NotPermitted),
        Call("clock", "Set the clock", Denied("clock_settime"), ", 0, 0", NotPermitted),
        Call("type-into-terminal", "Type into a terminal of the host (TIOCSTI)", SystemCalls.Ioctl, ", -1, 0x5412, 0", NotPermitted),
        Call("type-into-terminal-high-bits", "The same with extra bits that fool a careless filter", SystemCalls.Ioctl,
            ", -1, 0x100005412, 0", NotPermitted),
        Call("console-selection", "Paste into a console (TIOCLINUX)", SystemCalls.Ioctl, ", -1, 0x541c, 0", NotPermitted),
        Call("later-call", "Use a call that is newer than the filter", new SystemCall("later", 999, 999), "", NoSuchCall),
    ];
}
