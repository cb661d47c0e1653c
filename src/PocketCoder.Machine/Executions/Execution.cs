using System.Security.Cryptography;
using System.Text;
using PocketCoder.Hands;

namespace PocketCoder.Machine.Executions;

/// <summary>A command of ours that runs: its output goes live to whoever watches, whole to disk, head and tail to the agent. Thread-safe.</summary>
internal sealed class Execution
{
    /// <summary>Characters of output shown while it runs; the rest is on disk and, shortened, in the result. A flood must not fill anybody's memory.</summary>
    private const int LiveLimit = 256 * 1024;

    private static readonly TimeSpan KillGrace = TimeSpan.FromSeconds(3);

    private readonly ISandboxExec _exec;
    private readonly CommandSpool _spool;
    private readonly Action<string> _live;
    private readonly Lock _gate = new(); // guards the decoders and the count: both outputs write here
    private readonly Decoder _output = Encoding.UTF8.GetDecoder();
    private readonly Decoder _errors = Encoding.UTF8.GetDecoder();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int _shown;

    private Execution(ISandboxExec exec, Action<string> live)
    {
        (_exec, _live) = (exec, live);
        _spool = CommandSpool.Start(exec, onPiece: Hear);
        Completed = FinishAsync();
    }

    /// <summary>How it went. Never faults.</summary>
    public Task<ExecutionResult> Completed { get; }

    /// <summary>Starts a command that was allowed and recorded as started.</summary>
    /// <param name="live">Gets text as it comes, never from two threads at once.</param>
    /// <exception cref="SandboxException">It could not be started.</exception>
    public static async Task<Execution> StartAsync(ISandbox sandbox, BashTool bash, string id, Action<string> live, CancellationToken cancellationToken)
        => new(
            await sandbox.ExecAsync(
                new ExecSpec { Command = ["/bin/bash", "-c", bash.Command], TimeLimit = bash.TimeLimit, Id = id, Spooled = true }, cancellationToken),
            live);

    /// <summary>Ends it and all it started. <see cref="Completed"/> tells the rest.</summary>
    public Task KillAsync() => _exec.KillAsync(KillGrace);

    private ValueTask Hear(OutputPiece piece)
    {
        lock (_gate)
        {
            _hash.AppendData(piece.Bytes.Span);
            if (_shown < LiveLimit)
            {
                var decoder = piece.IsError ? _errors : _output;
                var text = new char[decoder.GetCharCount(piece.Bytes.Span, flush: false)];
                decoder.GetChars(piece.Bytes.Span, text, flush: false);
                _shown += text.Length;
                _live(_shown < LiveLimit ? new string(text) : $"{new string(text)}\n… more follows; the end is shown when it is over …\n");
            }
        }

        return ValueTask.CompletedTask;
    }

    private async Task<ExecutionResult> FinishAsync()
    {
        try
        {
            var outcome = await _spool.Completed;
            string digest;
            lock (_gate)
            {
                digest = Convert.ToHexStringLower(_hash.GetHashAndReset());
                _hash.Dispose();
            }

            return new ExecutionResult(outcome, _spool.Text, _spool.StandardOutputText, _spool.StandardErrorText, _spool.Length, digest, _spool.IsTruncated);
        }
        catch (IOException e)
        {
            return ExecutionResult.Lost($"Its output could not be kept: {e.Message}");
        }
        finally
        {
            await _exec.DisposeAsync();
        }
    }
}

/// <summary>How a command of ours went.</summary>
/// <param name="Text">Both outputs in the order they came, head and tail.</param>
/// <param name="Bytes">Of both outputs, all of them.</param>
/// <param name="Sha256">Of both outputs in the order they came.</param>
internal sealed record ExecutionResult(ExecOutcome Outcome, string Text, string StandardOutput, string StandardError, long Bytes, string Sha256, bool Truncated)
{
    public bool Failed => Outcome.End != ExecEnd.Exited || Outcome.ExitCode != 0;

    public int? ExitCode => Outcome.End == ExecEnd.Lost ? null : Outcome.ExitCode;

    public static ExecutionResult Lost(string why) => new(new ExecOutcome(ExecEnd.Lost, -1, null, TimeSpan.Zero), why, "", why, 0, Convert.ToHexStringLower(SHA256.HashData([])), false);

    /// <summary>What the agent reads: standard output, then standard error, then how it ended.</summary>
    public string ForAgent()
    {
        var text = new StringBuilder(StandardOutput);
        if (StandardError.Length > 0)
        {
            EndLine(text);
            text.Append(StandardError);
        }

        EndLine(text);
        return text.Append(Outcome.End switch
        {
            ExecEnd.TimedOut => "[ended: the time limit was reached]",
            ExecEnd.Killed => "[ended: it was stopped]",
            ExecEnd.Lost => "[its sandbox was lost: what it did is not known]",
            ExecEnd.Signalled => $"[ended by signal {Outcome.Signal}]",
            _ => $"[exit code: {Outcome.ExitCode}]",
        }).ToString();

        static void EndLine(StringBuilder text)
        {
            if (text.Length > 0 && text[^1] != '\n')
            {
                text.Append('\n');
            }
        }
    }
}
