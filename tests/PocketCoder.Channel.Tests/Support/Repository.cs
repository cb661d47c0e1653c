namespace PocketCoder.Channels.Tests;

internal static class Repository
{
    /// <summary>A file of tests/vectors, found from where the test runs.</summary>
    public static string Vector(string name)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PocketCoder.slnx")))
            {
                return Path.Combine(folder.FullName, "tests", "vectors", name);
            }
        }

        throw new InvalidOperationException("not inside the repository");
    }
}
