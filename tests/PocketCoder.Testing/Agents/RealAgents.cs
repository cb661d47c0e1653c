// Test-only, before anything of ours is trusted to start processes; the banned starters are for what ships.
#pragma warning disable RS0030

using System.Diagnostics;
using System.Security.Cryptography;

namespace PocketCoder.Testing.Agents;

/// <summary>The real agent programs, pinned in <c>tests/agents</c>: installed once for all test processes.</summary>
public static class RealAgents
{
    private static readonly TimeSpan s_installLimit = TimeSpan.FromMinutes(5);
    private static readonly Lazy<Task<string>> s_installed = new(InstallAsync);

    /// <summary>
    /// The path of a program (<c>claude</c>, <c>codex</c>, <c>gemini</c>, <c>claude-agent-acp</c>), after installing them with <c>npm
    /// ci</c> when they are not there.
    /// </summary>
    public static async Task<string> ProgramAsync(string name) => Path.Combine(await s_installed.Value, name);

    /// <summary>The folder with the modules themselves, for a NODE_PATH.</summary>
    public static async Task<string> ModulesAsync() => Path.GetDirectoryName(await s_installed.Value)!;

    /// <summary>Where the real ripgrep lies that Codex brings along: for a PATH.</summary>
    public static async Task<string> RipGrepFolderAsync()
        => Path.GetDirectoryName(
            Directory.EnumerateFiles(Path.Combine(await s_installed.Value, "..", "@openai"), "rg", SearchOption.AllDirectories).First())!;

    private static async Task<string> InstallAsync()
    {
        var folder = Path.Combine(RepositoryRoot(), "tests", "agents");
        var programs = Path.Combine(folder, "node_modules", ".bin");
        var mark = Path.Combine(folder, "node_modules", ".pocketcoder-installed");
        var wanted = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, "package-lock.json"))));
        if (IsInstalled())
        {
            return programs;
        }

        await using var alone = await LockAsync(Path.Combine(Path.GetTempPath(), $"pocketcoder-npm-{wanted[..16]}.lock"));
        if (!IsInstalled())
        {
            await NpmAsync(folder);
            await File.WriteAllTextAsync(mark, wanted);
        }

        return programs;

        bool IsInstalled() => Directory.Exists(programs) && File.Exists(mark) && File.ReadAllText(mark) == wanted;
    }

    private static async Task<FileStream> LockAsync(string path)
    {
        FileStream? held = null;
        await Wait.UntilAsync(
            () =>
            {
                try
                {
                    held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                    return true;
                }
                catch (IOException)
                {
                    return false; // another test process installs
                }
            },
            "the installation by another test process",
            s_installLimit);
        return held!;
    }

    private static async Task NpmAsync(string folder)
    {
        var info = new ProcessStartInfo("npm")
        { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        info.ArgumentList.Add("ci");
        using var npm = Process.Start(info) ?? throw new InvalidOperationException("npm does not start");
        using var limit = new CancellationTokenSource(s_installLimit);
        var output = npm.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = npm.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await npm.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException e)
        {
            npm.Kill(entireProcessTree: true);
            throw new TimeoutException("npm ci took too long", e);
        }

        if (npm.ExitCode != 0)
        {
            throw new InvalidOperationException($"npm ci failed: {await output}{await errors}");
        }
    }

    private static string RepositoryRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "PocketCoder.slnx")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException("The tests run outside the repository.");
    }
}
