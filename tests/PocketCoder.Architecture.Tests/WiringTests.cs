using System.Reflection;
using System.Runtime.CompilerServices;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>How the daemon is put together (docs/architecture.md, <em>How the daemon is put together</em>).</summary>
public sealed class WiringTests
{
    private const int Columns = 140;

    private static readonly string[] s_root = ["Daemon.cs", "DaemonFiles.cs", "DaemonParts.cs", "DaemonTable.cs"];

    [Fact]
    public void The_composition_root_can_be_read_at_once()
    {
        foreach (var name in s_root)
        {
            var lines = File.ReadAllLines(Repository.PathOf($"src/PocketCoder.Machine/{name}"));
            Assert.Empty(lines.Where(l => l.Length > Columns).Select(l => $"{name}: {l.Trim()}"));
            Assert.True(lines.Length < 300, $"{name} has {lines.Length} lines");
        }
    }

    /// <summary>
    /// A callback that can be set later can be forgotten, or be set too late. What is told upwards is an event or an interface in a
    /// constructor.
    /// </summary>
    [Fact]
    public void No_callback_can_be_set_after_construction()
    {
        const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic
            | BindingFlags.DeclaredOnly;
        var types = Assemblies("").SelectMany(a => a.GetTypes()).Where(t => !IsGenerated(t)).ToList();
        var properties = types.SelectMany(t => t.GetProperties(Declared))
            .Where(p => typeof(Delegate).IsAssignableFrom(p.PropertyType) && p.SetMethod is { IsPrivate: false } set && !IsInit(set))
            .Select(p => $"{p.DeclaringType}.{p.Name}");
        var fields = types.SelectMany(t => t.GetFields(Declared))
            .Where(f => typeof(Delegate).IsAssignableFrom(f.FieldType) && f is { IsPrivate: false, IsInitOnly: false })
            .Select(f => $"{f.DeclaringType}.{f.Name}");
        Assert.Empty(properties.Concat(fields));
    }

    /// <summary>
    /// Follows the calls of each constructor through our code, as far as they are not virtual. Work that a constructor only prepares (a
    /// lambda) does not count.
    /// </summary>
    [Fact]
    public void No_constructor_of_the_machine_touches_the_disk_or_starts_work()
    {
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var made in Assemblies("Machine").SelectMany(a => a.GetTypes()).Where(t => !IsGenerated(t)).SelectMany(
            t => t.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)))
        {
            if (ConstructorCalls.ToOutside(made) is { } way)
            {
                found.TryAdd(made.DeclaringType!.FullName!, way);
            }
        }

        Assert.Empty(found.Select(f => $"{f.Key}: {f.Value}"));
    }

    /// <summary>What only tests need has a record of its own, which is internal, and no command line or file reaches it.</summary>
    [Fact]
    public void Options_hold_nothing_for_tests()
    {
        var machine = Assembly.Load("PocketCoder.Machine");
        var seams = machine.GetType("PocketCoder.Machine.Starting.DaemonSeams", throwOnError: true)!;
        var options = machine.GetType("PocketCoder.Machine.DaemonOptions", throwOnError: true)!;
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        Assert.True(seams.IsNotPublic);
        Assert.Empty(options.GetProperties(All).Select(p => p.Name)
            .Intersect(seams.GetProperties(All).Select(p => p.Name), StringComparer.Ordinal).Except(["EqualityContract"]));
        Assert.DoesNotContain("tests", File.ReadAllText(Repository.PathOf("src/PocketCoder.Machine/Starting/DaemonOptions.cs")),
            StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Repository.PathOf("src/PocketCoder.Cli"), "*.cs", SearchOption.AllDirectories),
            f => File.ReadAllText(f).Contains("DaemonSeams", StringComparison.Ordinal));
    }

    private static bool IsInit(MethodInfo set) => set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));

    private static bool IsGenerated(Type type) => type.Name.Contains('<', StringComparison.Ordinal)
        || type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);

    private static IEnumerable<Assembly> Assemblies(string prefix)
        => Directory.EnumerateDirectories(Repository.PathOf("src"), $"PocketCoder.{prefix}*")
        .Select(d => Path.GetFileName(d)).Select(n => Assembly.Load(n == "PocketCoder.Cli" ? "pocketcoder" : n));
}
