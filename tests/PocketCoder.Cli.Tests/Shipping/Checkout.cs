using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>A checkout, and a user's home of its own for what is run there.</summary>
internal sealed class Checkout : IAsyncDisposable
{
    /// <summary>The tests that build in this checkout: one after the other, and each has what the one before compiled.</summary>
    public const string Building = "builds the program as people get it";

    /// <summary>Tells a build that hangs from one on a busy machine, which takes many minutes.</summary>
    public static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(25);

    private readonly string _folder = Directory.CreateTempSubdirectory("pck-").FullName;

    private Checkout(string root)
    {
        UserHome = Directory.CreateDirectory(Path.Combine(_folder, "user")).FullName;
        Root = root;
        Environment["HOME"] = UserHome;
        Environment["XDG_CONFIG_HOME"] = null;
        Environment["XDG_DATA_HOME"] = null;
        Environment["POCKETCODER_HOME"] = null;
        Environment["POCKETCODER_NATIVE"] = null;
        // Packages that are here need not be fetched again.
        Environment["NUGET_PACKAGES"] = System.Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile), ".nuget", "packages");
    }

    public string Root { get; }

    /// <summary><c>$HOME</c> of what runs here.</summary>
    public string UserHome { get; }

    public Dictionary<string, string?> Environment { get; } = new(StringComparer.Ordinal);

    /// <summary>This one: what is built already need not be built again. In CI it is as fresh as anybody's.</summary>
    public static Checkout Here() => new(Repository.Root);

    public async Task<Ran> RunAsync(string program, params IEnumerable<string> arguments)
    {
        await using var running = RunningProgram.Start(
            program.EndsWith(".sh", StringComparison.Ordinal) ? Path.Combine(Root, program) : program, arguments, Environment, Root);
        return await running.EndAsync(BuildLimit);
    }

    /// <summary>Command lines of the processes that were started from here and still run.</summary>
    public IReadOnlyList<string> LeftRunning()
    {
        var left = new List<string>();
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d.AsSpan()), out _)))
        {
            try
            {
                if (File.ReadAllText(Path.Combine(process, "environ")).Contains($"HOME={UserHome}\0", StringComparison.Ordinal))
                {
                    left.Add(File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' '));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is somebody else's.
            }
        }

        return left;
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
