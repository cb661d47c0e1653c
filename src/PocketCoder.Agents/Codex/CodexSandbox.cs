using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Codex;

/// <summary>Makes the folder of a sandbox ready for Codex, and finds the program to run in it.</summary>
internal static class CodexSandbox
{
    private const int MaxMemoryBytes = 64 * 1024;

    /// <summary>
    /// What says how Codex behaves and is never taken from an earlier run. <c>AGENTS.md</c> is the person's, brought each time.
    /// </summary>
    private static readonly string[] s_fresh = ["config.toml", "auth.json", "hooks.json", "AGENTS.md", "AGENTS.override.md"];

    /// <summary>
    /// Takes away settings, and brings the person's own <c>AGENTS.md</c>. No conversation from outside: Codex refuses to go on with one at
    /// another provider than it began with.
    /// </summary>
    /// <param name="isCopy">The folder was copied from another sandbox.</param>
    /// <exception cref="AgentException">The folder can't be used.</exception>
    public static void Prepare(string state, string hostHome, bool isCopy = false)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new AgentException(AgentError.FailedToStart, "There are no sandboxes on Windows.");
        }

        try
        {
            foreach (var name in s_fresh)
            {
                SandboxFiles.Remove(Path.Combine(state, name));
            }

            if (isCopy)
            {
                // Its indexes name files by where they lay in the other sandbox; made anew from the conversations themselves.
                foreach (var index in Directory.EnumerateFiles(state, "*.sqlite*"))
                {
                    SandboxFiles.Remove(index);
                }
            }

            BringMemory(state, hostHome);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"The folder for Codex's own files can't be used: {e.Message}", e);
        }
    }

    /// <summary>
    /// The program itself. What npm puts into the PATH is a script that looks for it beside itself, which a sandbox does not hold (layouts
    /// up to 0.169.0).
    /// </summary>
    /// <exception cref="AgentException">It is not where the script would look.</exception>
    public static string Program(string path)
    {
        var real = new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        if (Path.GetFileName(real) != "codex.js")
        {
            return real;
        }

        var (package, triple) = RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? ("codex-linux-arm64", "aarch64-unknown-linux-musl") : ("codex-linux-x64", "x86_64-unknown-linux-musl");
        var own = Path.GetDirectoryName(Path.GetDirectoryName(real)!)!;
        var inside = Path.Combine("vendor", triple, "bin", "codex");
        string[] places =
        [
            Path.Combine(Path.GetDirectoryName(own)!, package, inside), Path.Combine(own, "node_modules", "@openai", package, inside),
            Path.Combine(own, inside),
            Path.Combine(own, "vendor", triple, "codex", "codex"),
        ];
        return places.FirstOrDefault(File.Exists)
            ?? throw new AgentException(
                AgentError.FailedToStart, $"Codex's own program is not beside {real}. Install it again: npm install -g @openai/codex");
    }

    [UnsupportedOSPlatform("windows")]
    private static void BringMemory(string state, string hostHome)
    {
        var theirs = Path.Combine(hostHome, "AGENTS.md");
        if (FileKind.IsRegular(theirs) && new FileInfo(theirs).Length <= MaxMemoryBytes)
        {
            SandboxFiles.Bring(theirs, state, "AGENTS.md");
        }
    }
}
