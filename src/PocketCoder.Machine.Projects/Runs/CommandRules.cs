using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs;

/// <summary>What a request must be, before anything is done for it.</summary>
internal static class CommandRules
{
    /// <summary>These steer the loader of every program, or are this program's own.</summary>
    private static readonly string[] s_reserved =
        ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", PocketCoder.Processes.OwnedProcess.MarkVariable];

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void Check(CommandExecRequest request)
    {
        if (request.RunId == Guid.Empty)
        {
            throw Invalid("runId must be an id that you made.");
        }

        Command(request.Command);
        Timeout(request.TimeoutSeconds);
        Cwd(request.Cwd);
        if (request.Stdin is { } stdin && Encoding.UTF8.GetByteCount(stdin) > CommandLimits.StdinBytes)
        {
            throw Invalid($"stdin has at most {CommandLimits.StdinBytes} bytes.");
        }

        if (request.StdinBase64 is { } bytes)
        {
            Check(bytes, request.Stdin);
        }

        if (request.Environment is { } environment)
        {
            Check(environment);
        }
    }

    /// <summary>What the command reads; null: nothing.</summary>
    public static byte[]? Input(CommandExecRequest request)
        => request.StdinBase64 is { } bytes ? Convert.FromBase64String(bytes) : request.Stdin is { } text ? Encoding.UTF8.GetBytes(text)
            : null;

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void Check(IReadOnlyList<CommandFavourite> favourites)
    {
        if (favourites.Count > CommandLimits.Favourites)
        {
            throw Invalid($"A project has at most {CommandLimits.Favourites} favourites.");
        }

        foreach (var favourite in favourites)
        {
            if (favourite.Name.Trim().Length is < 1 or > Limits.NameLength || favourite.Name.Any(char.IsControl))
            {
                throw Invalid($"A favourite's name has 1 to {Limits.NameLength} characters and no control characters.");
            }

            Command(favourite.Command);
            Timeout(favourite.TimeoutSeconds);
            Cwd(favourite.Cwd);
        }
    }

    /// <summary>Where it begins: an existing folder of the project, by its real path.</summary>
    /// <exception cref="RequestFailure">OUTSIDE_PROJECT_ROOT, FILE_NOT_FOUND, INVALID_REQUEST</exception>
    public static string Folder(string project, string? cwd)
    {
        if (CommandFolder.Resolve(project, cwd, out var refusal) is { } folder)
        {
            return folder;
        }

        var code = !Directory.Exists(Path.Combine(project, cwd ?? "")) ? ErrorCode.FileNotFound : ErrorCode.OutsideProjectRoot;
        throw new RequestFailure(code, refusal);
    }

    /// <summary>SHA-256 (hex) of all that was asked for, whatever order the variables came in.</summary>
    public static string Digest(CommandExecRequest request)
    {
        var ordered = request with
        {
            Environment = request.Environment is { } e
            ? new SortedDictionary<string, string>(e.ToDictionary(StringComparer.Ordinal), StringComparer.Ordinal) : null
        };
        return Convert.ToHexStringLower(
            SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(ordered, ProtocolJson.Default.CommandExecRequest)));
    }

    public static RequestFailure Invalid(string message) => new(ErrorCode.InvalidRequest, message);

    private static void Command(string command)
    {
        if (string.IsNullOrWhiteSpace(command) || command.Contains('\0', StringComparison.Ordinal)
            || Encoding.UTF8.GetByteCount(command) > CommandLimits.CommandBytes)
        {
            throw Invalid($"A command has 1 to {CommandLimits.CommandBytes} bytes, and no zero byte.");
        }
    }

    /// <summary>One spelling for one input: what is UTF-8 is sent as text, what is not as the base64 that its bytes have.</summary>
    private static void Check(string base64, string? text)
    {
        if (text is not null || base64.Length > (CommandLimits.StdinBytes + 2) / 3 * 4
            || CanonicalBase64.FromPadded(base64) is not { Length: <= CommandLimits.StdinBytes } bytes || Utf8.IsValid(bytes))
        {
            throw Invalid(
                $"stdinBase64 is canonical base64 of at most {CommandLimits.StdinBytes} bytes that are not UTF-8, and goes without stdin.");
        }
    }

    private static void Timeout(int seconds)
    {
        if (seconds is < 1 or > CommandLimits.MaxSeconds)
        {
            throw Invalid($"timeoutSeconds is 1 to {CommandLimits.MaxSeconds}.");
        }
    }

    private static void Cwd(string? cwd)
    {
        if (cwd is not null && (cwd.Length == 0 || cwd.Contains('\0', StringComparison.Ordinal)
            || Encoding.UTF8.GetByteCount(cwd) > CommandLimits.PathBytes))
        {
            throw Invalid($"cwd has 1 to {CommandLimits.PathBytes} bytes, and no zero byte.");
        }
    }

    private static void Check(IReadOnlyDictionary<string, string> environment)
    {
        if (environment.Count > CommandLimits.Variables || environment.Sum(
            v => Encoding.UTF8.GetByteCount(v.Key) + Encoding.UTF8.GetByteCount(v.Value)) > CommandLimits.EnvironmentBytes)
        {
            throw Invalid(
                $"environment has at most {CommandLimits.Variables} variables of {CommandLimits.EnvironmentBytes} bytes together.");
        }

        foreach (var (name, value) in environment)
        {
            if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            {
                throw Invalid("A variable's name has letters, digits and underscores, and begins with no digit.");
            }

            if (s_reserved.Contains(name, StringComparer.Ordinal) || name.StartsWith("POCKETCODER_", StringComparison.Ordinal))
            {
                throw Invalid($"The variable {name} can't be set.");
            }

            if (value.Contains('\0', StringComparison.Ordinal))
            {
                throw Invalid($"The value of {name} has a zero byte.");
            }
        }
    }
}
