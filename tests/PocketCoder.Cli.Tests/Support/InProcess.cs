using System.Text;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// The program's entry point in the process of the tests, with the streams and the environment that a process with pipes would have. A
/// process of its own takes most of its time to start; what only a process shows (signals, sessions, descriptors, its own path and pid) is
/// tested with one: <see cref="CliHome.Begin"/>.
/// </summary>
internal static class InProcess
{
    /// <summary>Verbs that start this program again, or tell of themselves as a process: path, pid, sessions, children.</summary>
    private static readonly string[] s_processes = ["start", "restart", "resume", "attach", "doctor", "enable-autostart", "disable-autostart"];

    /// <summary>Whether a command line means the same in this process as in one of its own.</summary>
    public static bool Takes(IReadOnlyList<string> arguments) => arguments.Count > 0
        && !s_processes.Contains(arguments[0] == "gateway" && arguments.Count > 1 ? arguments[1] : arguments[0], StringComparer.Ordinal);

    /// <param name="environment">Over this process's own; null removes a variable.</param>
    public static async Task<Ran> RunAsync(IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?> environment,
        string directory, string input, TimeSpan? within = null)
    {
        using var output = new Pipe();
        using var error = new Pipe();
        var terminal = new Terminal(
            output.Text, error.Text, name => environment.TryGetValue(name, out var set) ? set : Environment.GetEnvironmentVariable(name))
        {
            In = new StringReader(input),
            BytesIn = new MemoryStream(Encoding.UTF8.GetBytes(input)),
            Bytes = toError => new Part(toError ? error.Bytes : output.Bytes),
            CurrentDirectory = directory,
        };
        using var limit = new CancellationTokenSource(within ?? Wait.Limit);
        try
        {
            var code = await CommandLine.RunAsync(arguments, terminal, limit.Token);
            return new Ran(code, output.ToString(), error.ToString());
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested)
        {
            throw new TimeoutException($"it did not end: {string.Join(' ', arguments)}\n--- out\n{output}\n--- error\n{error}", e);
        }
    }

    /// <summary>One output, written as text and as bytes in turns, as a standard output is.</summary>
    private sealed class Pipe : IDisposable
    {
        private readonly MemoryStream _written = new();

        public Pipe()
        {
            Bytes = Stream.Synchronized(_written);
            Text = TextWriter.Synchronized(
                new StreamWriter(Bytes, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true });
        }

        public Stream Bytes { get; }

        public TextWriter Text { get; }

        public override string ToString() => Encoding.UTF8.GetString(_written.ToArray());

        public void Dispose() => Text.Dispose();
    }

    /// <summary>What one writer of bytes writes: its end leaves the output open, as that of a standard output's stream does.</summary>
    private sealed class Part(Stream output) : MemoryStream
    {
        private bool _given;

        protected override void Dispose(bool disposing)
        {
            if (disposing && !_given)
            {
                _given = true;
                WriteTo(output);
            }

            base.Dispose(disposing);
        }
    }
}
