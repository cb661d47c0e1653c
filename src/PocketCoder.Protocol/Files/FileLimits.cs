namespace PocketCoder.Protocol;

/// <summary>Limits of operations on a project's files.</summary>
public static class FileLimits
{
    /// <summary>Bytes of a file that <c>fs_read</c> reads; larger ones are downloaded.</summary>
    public const int ReadBytes = 10 * 1024 * 1024;

    /// <summary>Bytes of a file that <c>fs_write</c> writes; larger ones are uploaded.</summary>
    public const int WriteBytes = 1024 * 1024;

    /// <summary>Levels of a path.</summary>
    public const int Depth = 20;

    /// <summary>Entries of one listing.</summary>
    public const int Entries = 10_000;

    /// <summary>Characters of a path in a message.</summary>
    public const int PathLength = 4096;

    /// <summary>Bytes of one piece of an upload or download, before base64.</summary>
    public const int ChunkBytes = 512 * 1024;

    /// <summary>Changes of one <c>fs_changed</c>.</summary>
    public const int Changes = 500;

    /// <summary>Things in the trash of one project, the oldest go first.</summary>
    public const int TrashItems = 1_000;

    /// <summary>Bytes in the trash of one project, the oldest go first; what has more is not deleted through here.</summary>
    public const long TrashBytes = 2L * 1024 * 1024 * 1024;

    /// <summary>Days after which the trash forgets.</summary>
    public const int TrashDays = 30;

    /// <summary>Characters of what is searched for.</summary>
    public const int QueryLength = 500;

    /// <summary>Matches of one search.</summary>
    public const int Matches = 1_000;

    /// <summary>Uploads of one project that are not whole yet.</summary>
    public const int Uploads = 16;
}
