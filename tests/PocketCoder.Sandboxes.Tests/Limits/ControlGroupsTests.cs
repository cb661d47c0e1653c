using PocketCoder.Sandboxes.Limits;

namespace PocketCoder.Sandboxes.Tests.Limits;

/// <summary>The files of control groups, played by ordinary directories where the kernel here does not have them (version 2).</summary>
public sealed class ControlGroupsTests : IDisposable
{
    private readonly string _mount = Directory.CreateTempSubdirectory("cgroup-").FullName;

    [Fact]
    public void Version_two_is_used_when_a_subtree_is_ours()
    {
        var own = Make("app.slice/pocketcoder.service/daemon", controllers: "", subtree: "");
        var parent = Path.GetDirectoryName(own)!;
        Write(parent, "cgroup.controllers", "cpu memory pids\n");
        Write(parent, "cgroup.subtree_control", "cpu memory pids\n");
        Write(_mount, "cgroup.controllers", "cpu memory pids");
        var groups = ControlGroups.Detect(_mount, ["0::/app.slice/pocketcoder.service/daemon"]);
        Assert.Equal((LimitSource.CgroupV2, (string?)null), (groups.Source, groups.Reason));

        var group = groups.Create("pocketcoder-x", new SandboxLimits { Memory = 123_456_789, Processes = 99, Processors = 1.5 });
        var directory = Assert.Single(group.Directories);
        Assert.Equal(Path.Combine(parent, "pocketcoder-x"), directory);
        Assert.Equal("123456789", File.ReadAllText(Path.Combine(directory, "memory.max")));
        Assert.Equal("99", File.ReadAllText(Path.Combine(directory, "pids.max")));
        Assert.Equal("150000 100000", File.ReadAllText(Path.Combine(directory, "cpu.max")));
        Assert.Equal([Path.Combine(directory, "cgroup.procs")], group.JoinFiles);
        Assert.Equal([directory], groups.Existing("pocketcoder-x"));
    }

    [Fact]
    public void Version_two_without_delegation_says_what_to_do()
    {
        Make("user.slice", controllers: "cpu", subtree: "");
        Write(_mount, "cgroup.controllers", "cpu memory pids");
        var groups = ControlGroups.Detect(_mount, ["0::/user.slice"]);
        Assert.Equal(LimitSource.ResourceLimits, groups.Source);
        Assert.Contains("Delegate=yes", groups.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_one_takes_each_controllers_own_path_and_needs_memory_and_processes()
    {
        foreach (var directory in (string[])["memory/a/b", "pids", "cpu,cpuacct"])
        {
            Directory.CreateDirectory(Path.Combine(_mount, directory));
        }

        var groups = ControlGroups.Detect(_mount, ["4:memory:/a/b", "8:pids:/", "2:cpu,cpuacct:/"]);
        Assert.Equal(LimitSource.CgroupV1, groups.Source);
        var group = groups.Create("s", new SandboxLimits { Memory = 77 << 20, Processes = 12, Processors = 0.5 });
        Assert.Equal(Text(77 << 20), File.ReadAllText(Path.Combine(_mount, "memory/a/b/s/memory.limit_in_bytes")));
        Assert.Equal("12", File.ReadAllText(Path.Combine(_mount, "pids/s/pids.max")));
        Assert.Equal("50000", File.ReadAllText(Path.Combine(_mount, "cpu,cpuacct/s/cpu.cfs_quota_us")));
        Assert.Equal(3, group.Directories.Count);

        Directory.Delete(Path.Combine(_mount, "pids"), recursive: true);
        Assert.Equal(LimitSource.ResourceLimits, ControlGroups.Detect(_mount, ["4:memory:/a/b", "8:pids:/"]).Source);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("")]
    [InlineData("4:memory")]
    [InlineData("::")]
    public void What_is_not_understood_is_no_control_group(string line)
        => Assert.Equal(LimitSource.ResourceLimits, ControlGroups.Detect(_mount, [line]).Source);

    [Fact]
    public void Our_own_hard_limits_are_read_from_the_kernels_table()
    {
        string[] table = ["Limit                     Soft Limit           Hard Limit           Units     ",
            "Max file size             unlimited            unlimited            bytes     ",
            "Max open files            1024                 4096                 files     "];
        Assert.Equal(4096, HardLimits.Read(table, "Max open files"));
        Assert.Null(HardLimits.Read(table, "Max file size"));
        Assert.Null(HardLimits.Read(table, "Max nothing"));
    }

    public void Dispose() => Directory.Delete(_mount, recursive: true);

    private static string Text(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static void Write(string directory, string file, string text) => File.WriteAllText(Path.Combine(directory, file), text);

    private string Make(string path, string controllers, string subtree)
    {
        var directory = Path.Combine(_mount, path);
        Directory.CreateDirectory(directory);
        Write(directory, "cgroup.controllers", controllers);
        Write(directory, "cgroup.subtree_control", subtree);
        return directory;
    }
}
