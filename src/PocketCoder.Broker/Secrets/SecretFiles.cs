using PocketCoder.Platform;

namespace PocketCoder.Broker.Secrets;

/// <summary><see cref="PrivateFile"/>, whose failures are those of secrets here.</summary>
internal static class SecretFiles
{
    /// <summary>Writes a new file; false when there is one.</summary>
    public static bool TryCreate(string path, byte[] bytes) => Do(() => PrivateFile.TryCreate(path, bytes), $"'{path}' cannot be written");

    public static void Replace(string path, byte[] bytes) => Do(() => PrivateFile.Replace(path, bytes), $"'{path}' cannot be written");

    public static void Move(string from, string to) => Do(() => PrivateFile.Move(from, to), $"'{to}' cannot be written");

    /// <summary>Removes what a write that was cut off left beside <paramref name="path"/>. Only for who is alone with the file.</summary>
    public static void RemoveLeftovers(string path)
        => Do(() => PrivateFile.RemoveLeftovers(path), $"leftovers beside '{path}' cannot be removed");

    private static void Do(Action write, string failure) => Do(
        () =>
        {
            write();
            return true;
        },
        failure);

    private static bool Do(Func<bool> write, string failure)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SecretException(SecretError.Unavailable, failure, e);
        }
    }
}
