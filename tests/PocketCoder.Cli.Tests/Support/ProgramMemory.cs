using System.Globalization;

namespace PocketCoder.Cli.Tests;

/// <summary>What a running program has in its memory. Linux; of a program that this user may look into.</summary>
internal static class ProgramMemory
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Those of <paramref name="sought"/> that stand anywhere in the memory that the program can write to.</summary>
    /// <exception cref="InvalidOperationException">Nothing could be read, so that nothing can be said.</exception>
    public static IReadOnlyList<string> Holds(int pid, IReadOnlyDictionary<string, byte[]> sought)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        var overlap = sought.Values.Max(bytes => bytes.Length) - 1;
        var buffer = new byte[ChunkBytes + overlap];
        long read = 0;
        using var memory = new FileStream($"/proc/{pid}/mem", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        foreach (var (start, end) in Written(pid))
        {
            for (var at = start; at < end; at += ChunkBytes)
            {
                var length = (int)Math.Min(buffer.Length, end - at);
                try
                {
                    length = RandomAccess.Read(memory.SafeFileHandle, buffer.AsSpan(0, length), at);
                }
                catch (IOException)
                {
                    continue; // given back since its list was read
                }

                read += length;
                foreach (var (name, bytes) in sought)
                {
                    if (buffer.AsSpan(0, length).IndexOf(bytes) >= 0)
                    {
                        found.Add(name);
                    }
                }
            }
        }

        return read > 0 ? [.. found] : throw new InvalidOperationException($"the memory of {pid} can't be read");
    }

    private static IEnumerable<(long Start, long End)> Written(int pid)
        => File.ReadAllLines($"/proc/{pid}/maps")
            .Select(line => line.Split(' ', 3))
            .Where(parts => parts[1].StartsWith("rw", StringComparison.Ordinal))
            .Select(parts => parts[0].Split('-'))
            .Select(range => (Address(range[0]), Address(range[1])));

    private static long Address(string hexadecimal) => long.Parse(hexadecimal, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
