using System.Runtime.Versioning;

namespace PocketCoder.Bench.Agents;

/// <summary>Programs named like agents that are this benchmark.</summary>
internal static class FakeProgram
{
    /// <summary>
    /// Writes a script that runs this benchmark as <paramref name="kind"/>. Telling its version costs a shell, as the real one's costs
    /// little.
    /// </summary>
    /// <returns>Its path.</returns>
    [UnsupportedOSPlatform("windows")]
    public static string WriteScript(DirectoryInfo folder, string name, string kind, string version)
    {
        var path = Path.Combine(folder.FullName, name);
        var self = Environment.ProcessPath ?? throw new InvalidOperationException("unknown program path");
        var runtime = Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root ? $"export DOTNET_ROOT={Quoted(root)}\n"
            : "";
        File.WriteAllText(
            path, $"#!/bin/sh\nif [ \"$1\" = --version ]; then echo '{version}'; exit; fi\n{runtime}exec {Quoted(self)} {kind}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;

        static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
