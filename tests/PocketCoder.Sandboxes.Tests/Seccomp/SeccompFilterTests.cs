using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PocketCoder.Sandboxes.Seccomp;

namespace PocketCoder.Sandboxes.Tests.Seccomp;

/// <summary>Runs the generated filter as the kernel would.</summary>
public sealed class SeccompFilterTests
{
    private const uint X64 = 0xC000003E, Arm64 = 0xC00000B7;

    public static TheoryData<Architecture> Architectures => [Architecture.X64, Architecture.Arm64];

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Every_denied_call_is_denied_whatever_its_arguments(Architecture architecture)
    {
        var filter = SeccompFilter.Build(architecture, allowTracing: false);
        var random = new Random(7);
        foreach (var call in SystemCalls.Denied.Concat(SystemCalls.Tracing).Where(c => c.On(architecture) >= 0))
        {
            for (var i = 0; i < 20; i++)
            {
                Assert.Equal(SeccompFilter.Error(1),
                    Run(filter, architecture, call.On(architecture), [.. Enumerable.Range(0, 6).Select(_ => (ulong)random.NextInt64())]));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Every_other_call_up_to_the_newest_is_allowed_with_harmless_arguments(Architecture architecture)
    {
        var filter = SeccompFilter.Build(architecture, allowTracing: false);
        var special = SystemCalls.Denied.Concat(SystemCalls.Tracing).Append(SystemCalls.Clone3).Append(SystemCalls.OpenAt2)
            .Select(c => c.On(architecture)).ToHashSet();
        var allowed = Enumerable.Range(0, (int)SystemCalls.Newest + 1).Where(n => !special.Contains(n)).ToList();
        Assert.True(allowed.Count > 350);
        foreach (var number in allowed)
        {
            ulong[] arguments = number == SystemCalls.Socket.On(architecture) ? [1, 0, 0, 0, 0, 0] : new ulong[6];
            Assert.Equal(SeccompFilter.Allow, Run(filter, architecture, number, arguments));
        }
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void A_later_call_does_not_exist(Architecture architecture)
    {
        var filter = SeccompFilter.Build(architecture, allowTracing: false);
        foreach (var number in (int[])[(int)SystemCalls.Newest + 1, 999, 0x3FFFFFFF, SystemCalls.Clone3.On(architecture),
            SystemCalls.OpenAt2.On(architecture)])
        {
            Assert.Equal(SeccompFilter.Error(38), Run(filter, architecture, number));
        }
    }

    [Fact]
    public void Calls_of_another_architecture_end_the_process_and_x32_does_not_exist()
    {
        var filter = SeccompFilter.Build(Architecture.X64, allowTracing: false);
        Assert.Equal(SeccompFilter.KillProcess, Run(filter, 0x40000003 /* i386 */, 1));
        Assert.Equal(SeccompFilter.KillProcess, Run(filter, Arm64, 1));
        Assert.Equal(SeccompFilter.KillProcess, Run(SeccompFilter.Build(Architecture.Arm64, false), X64, 1));
        Assert.Equal(SeccompFilter.Error(38), Run(filter, X64, 0x40000000 + 101)); // ptrace of x32
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Clone_makes_threads_and_processes_but_no_namespaces(Architecture architecture)
    {
        var filter = SeccompFilter.Build(architecture, allowTracing: false);
        uint Clone(ulong flags) => Run(filter, architecture, SystemCalls.Clone.On(architecture), flags);
        Assert.Equal(SeccompFilter.Allow, Clone(0x003D0F00)); // a thread of glibc
        Assert.Equal(SeccompFilter.Allow, Clone(0x01200011)); // fork
        foreach (var flag in (ulong[])[0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000])
        {
            Assert.Equal(SeccompFilter.Error(1), Clone(flag | 17));
        }
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Terminal_input_can_not_be_forged_whatever_the_upper_half_says(Architecture architecture)
    {
        var filter = SeccompFilter.Build(architecture, allowTracing: false);
        uint Ioctl(ulong request) => Run(filter, architecture, SystemCalls.Ioctl.On(architecture), 0, request);
        Assert.Equal(SeccompFilter.Error(1), Ioctl(0x5412));
        Assert.Equal(SeccompFilter.Error(1), Ioctl(0x1_0000_5412));
        Assert.Equal(SeccompFilter.Error(1), Ioctl(0xFFFF_FFFF_0000_541C));
        Assert.Equal(SeccompFilter.Allow, Ioctl(0x5413)); // TIOCGWINSZ
        Assert.Equal(SeccompFilter.Allow, Ioctl(0x5401)); // TCGETS
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Sockets_are_unix_internet_and_routes_only(Architecture architecture)
    {
        var filter = SeccompFilter.Build(architecture, allowTracing: false);
        uint Socket(ulong family, ulong protocol) => Run(filter, architecture, SystemCalls.Socket.On(architecture), family, 1, protocol);
        for (ulong family = 0; family < 60; family++)
        {
            var expected = family is 1 or 2 or 10 or 16 ? SeccompFilter.Allow : SeccompFilter.Error(97);
            Assert.Equal(expected, Socket(family, 0));
            Assert.Equal(expected, Socket(family | 0xABCD_0000_0000, 0));
        }

        Assert.Equal(SeccompFilter.Error(93), Socket(16, 12));
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void Internet_sockets_are_tcp_udp_and_echo_whatever_the_upper_halves_say(Architecture architecture)
    {
        var filter = SeccompFilter.Build(architecture, allowTracing: false);
        const ulong upper = 0x5A5A_0000_0000, closeOnExecAndNonBlocking = 0x80800;
        foreach (var (family, echo) in ((ulong, ulong)[])[(2, 1), (10, 58)])
        {
            for (ulong type = 0; type < 16; type++)
            {
                for (ulong protocol = 0; protocol < 300; protocol++)
                {
                    var expected = type > 3 ? SeccompFilter.Error(94) : protocol is 0 or 6 or 17
                        || protocol == echo ? SeccompFilter.Allow : SeccompFilter.Error(93);
                    Assert.Equal(expected, Run(filter, architecture, SystemCalls.Socket.On(architecture), family | upper,
                        type | closeOnExecAndNonBlocking | upper, protocol | upper));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Architectures))]
    public void No_file_gets_a_set_id_bit(Architecture architecture)
    {
        var filter = SeccompFilter.Build(architecture, allowTracing: false);
        foreach (var (call, mode) in SystemCalls.WithMode.Where(c => c.Call.On(architecture) >= 0))
        {
            var arguments = new ulong[6];
            foreach (var bits in (ulong[])[0xC00, 0x800, 0x400, 0x9ED])
            {
                arguments[mode] = bits;
                Assert.Equal(SeccompFilter.Error(1), Run(filter, architecture, call.On(architecture), arguments));
            }

            arguments[mode] = 0x3FF; // rwx for all, sticky
            Assert.Equal(SeccompFilter.Allow, Run(filter, architecture, call.On(architecture), arguments));
        }

        var openAt = SystemCalls.OpenAt.On(architecture);
        Assert.Equal(SeccompFilter.Error(1), Run(filter, architecture, openAt, 0, 0, 0x41, 0x9ED));
        Assert.Equal(SeccompFilter.Error(1), Run(filter, architecture, openAt, 0, 0, 0x410002, 0x9ED)); // O_TMPFILE
        Assert.Equal(SeccompFilter.Allow, Run(filter, architecture, openAt, 0, 0, 0, 0x9ED)); // no file is made: no mode either
    }

    [Fact]
    public void Tracing_is_a_choice_and_changes_nothing_else()
    {
        var filter = SeccompFilter.Build(Architecture.X64, allowTracing: true);
        Assert.All(SystemCalls.Tracing, c => Assert.Equal(SeccompFilter.Allow, Run(filter, X64, c.X64)));
        Assert.All(SystemCalls.Denied, c => Assert.Equal(SeccompFilter.Error(1), Run(filter, X64, c.X64)));
    }

    [Fact]
    public void An_unknown_processor_is_refused()
        => Assert.Equal(SandboxError.NotAvailable,
            Assert.Throws<SandboxException>(() => SeccompFilter.Build(Architecture.S390x, false)).Code);

    private static uint Run(byte[] filter, Architecture architecture, int number, params ulong[] arguments)
        => Run(filter, architecture == Architecture.X64 ? X64 : Arm64, number, arguments);

    /// <summary>The classic BPF machine, with the checks that the kernel makes when it loads a filter.</summary>
    private static uint Run(byte[] filter, uint architecture, int number, params ulong[] arguments)
    {
        var data = new byte[64];
        BinaryPrimitives.WriteInt32LittleEndian(data, number);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), architecture);
        for (var i = 0; i < Math.Min(6, arguments.Length); i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(16 + (i * 8)), arguments[i]);
        }

        uint accumulator = 0;
        for (var at = 0; ; at++)
        {
            Assert.InRange(at, 0, (filter.Length / 8) - 1);
            var instruction = filter.AsSpan(at * 8, 8);
            var (whenTrue, whenFalse, value) = (instruction[2], instruction[3], BinaryPrimitives.ReadUInt32LittleEndian(instruction[4..]));
            switch (BinaryPrimitives.ReadUInt16LittleEndian(instruction))
            {
                case 0x20: accumulator = BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan((int)value)); break;
                case 0x06: return value;
                case 0x15: at += accumulator == value ? whenTrue : whenFalse; break;
                case 0x25: at += accumulator > value ? whenTrue : whenFalse; break;
                case 0x35: at += accumulator >= value ? whenTrue : whenFalse; break;
                case 0x45: at += (accumulator & value) != 0 ? whenTrue : whenFalse; break;
                case var code: Assert.Fail($"unknown instruction {code:x}"); break;
            }
        }
    }
}
