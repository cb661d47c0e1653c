using System.Buffers;
using System.Text;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Searching;

/// <summary>
/// The program <c>rg</c>, asked for nothing but the names of files that hold a text. What it says is a hint, not a result.
/// </summary>
internal sealed class Ripgrep(string program, TimeProvider time)
{
    private const int MaxOutput = 4 * 1024 * 1024;

    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    /// <param name="Files">Below the folder, sorted; bytes as Latin-1.</param>
    /// <param name="Whole">Neither time nor room ran out.</param>
    public sealed record Named(IReadOnlyList<string> Files, bool Whole);

    /// <summary>Null: it does not work here.</summary>
    public async Task<Named?> ListAsync(string folder, FsSearchRequest request, TimeSpan limit, CancellationToken cancellationToken)
    {
        List<string> arguments =
        [
            "--no-config", "--files-with-matches", "--null", "--no-messages", "--color=never", "--fixed-strings", "--hidden",
            "--no-require-git", "--no-ignore-global", "--no-ignore-dot", "--no-follow",
            $"--max-filesize={FileLimits.ReadBytes}", $"--max-depth={FileLimits.Depth}", "--glob=!.git",
            request.CaseSensitive ? "--case-sensitive" : "--ignore-case",
        ];
        arguments.AddRange(request.Ignored ? ["--no-ignore"] : ["--glob=!node_modules"]);
        arguments.AddRange(["--regexp", request.Query, "--", "."]);
        using var late = new CancellationTokenSource(limit, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        var output = new ArrayBufferWriter<byte>(16 * 1024);
        try
        {
            await using var process = OwnedProcess.Start(
                new ProcessStart
                {
                    Program = program,
                    Arguments = arguments,
                    WorkingDirectory = folder,
                    Environment = new Dictionary<string, string>(StringComparer.Ordinal)
                }, time);
            process.StandardInput.Close();
            try
            {
                while (output.WrittenCount < MaxOutput
                    && await process.StandardOutput.ReadAsync(output.GetMemory(16 * 1024), stop.Token) is > 0 and var read)
                {
                    output.Advance(read);
                }

                if (output.WrittenCount < MaxOutput)
                {
                    // 0: found, 1: nothing found, 2: something could not be read, which is told by its absence.
                    return await process.Exited.WaitAsync(stop.Token) <= 2 ? Parse(output.WrittenSpan, whole: true) : null;
                }
            }
            catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // what it named until then
            }
            finally
            {
                await process.KillAsync(s_grace);
            }

            return Parse(output.WrittenSpan, whole: false);
        }
        catch (Exception e) when (e is ProcessStartException or IOException)
        {
            return null;
        }
    }

    private static Named Parse(ReadOnlySpan<byte> output, bool whole)
    {
        var names = new List<string>();
        foreach (var range in output[..(output.LastIndexOf((byte)0) + 1)].Split((byte)0))
        {
            var name = Encoding.Latin1.GetString(output[range]);
            name = name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
            if (name.Length > 0 && new ProjectPath(name).Names.All(n => n is not ("" or "." or "..")))
            {
                names.Add(name);
            }
        }

        names.Sort(StringComparer.Ordinal);
        return new Named(names, whole);
    }
}
