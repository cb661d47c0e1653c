using System.Runtime.CompilerServices;
using System.Text;

namespace PocketCoder.Machine.Snapshots.Git;

/// <summary>Reads git's output with <c>-z</c>: pieces that end in a NUL.</summary>
internal static class ZeroText
{
    /// <summary>Longest piece; a path has at most 4096 bytes.</summary>
    private const int PieceLimit = 64 * 1024;

    /// <summary>The pieces as Latin-1 text.</summary>
    /// <exception cref="SnapshotException">A piece without end.</exception>
    public static async IAsyncEnumerable<string> ReadAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = new byte[PieceLimit];
        var held = 0;
        int read;
        while ((read = await stream.ReadAsync(buffer.AsMemory(held), cancellationToken)) > 0)
        {
            held += read;
            var start = 0;
            int end;
            while ((end = Array.IndexOf(buffer, (byte)0, start, held - start)) >= 0)
            {
                yield return Encoding.Latin1.GetString(buffer, start, end - start);
                start = end + 1;
            }

            held -= start;
            Array.Copy(buffer, start, buffer, 0, held);
            if (held == buffer.Length)
            {
                throw new SnapshotException("git said something that can't be read");
            }
        }
    }
}
