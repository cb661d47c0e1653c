using System.Runtime.CompilerServices;

namespace PocketCoder.Testing;

/// <summary>Finds files of the checkout that the tests were built from.</summary>
public static class Repository
{
    /// <summary>The checkout's root directory.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>An absolute path from one relative to the root, with forward slashes.</summary>
    public static string PathOf(string relative) => Path.Combine(Root, relative.Replace('/', Path.DirectorySeparatorChar));

    private static string FindRoot([CallerFilePath] string source = "")
    {
        // Deterministic builds may map the source path, so the running assembly's place is asked too.
        foreach (var start in (string[])[Path.GetDirectoryName(source)!, AppContext.BaseDirectory])
        {
            for (var directory = new DirectoryInfo(start); directory is { Exists: true }; directory = directory.Parent)
            {
                if (File.Exists(Path.Combine(directory.FullName, "PocketCoder.slnx")))
                {
                    return directory.FullName;
                }
            }
        }

        throw new InvalidOperationException("The checkout's root was not found; run the tests from inside a checkout.");
    }
}
