using System.Text.RegularExpressions;
using PocketCoder.Broker.Secrets;
using PocketCoder.Channels;
using PocketCoder.Ledger;

namespace PocketCoder.Machine.Starting;

/// <summary>What goes wrong at a start, in words for people: path, cause, and what to do.</summary>
internal static partial class StartProblems
{
    public const string Restore = "Put a backup in its place (what is there is kept): pocketcoder restore FOLDER";

    /// <summary>Null: it says so itself, or it is a bug.</summary>
    public static StartProblem? Of(Exception e, Home home) => e switch
    {
        LedgerException ledger => Of(ledger, home),
        ChannelException channel => Of(channel, home),
        SecretException secret => Of(secret, home),
        UnauthorizedAccessException => new(Sentence(e.Message), "See which file it is and why: pocketcoder doctor"),
        IOException { InnerException: null } when e is FileNotFoundException or DirectoryNotFoundException =>
            new(Sentence(e.Message), "See which file it is and why: pocketcoder doctor"),
        _ => null,
    };

    public static StartProblem Of(ChannelException e, Home home) => e.Error switch
    {
        ChannelError.IdentityExposed => new(
            $"{home.MachineKey} holds this machine's private keys, and other users can reach it.",
            $"If you trust those who could, close it: chmod 600 '{home.MachineKey}'. If not, move {home} away and pair every device anew."),
        ChannelError.IdentityMalformed or ChannelError.IdentityMissing => new($"{home.MachineKey} does not hold this machine's keys.",
            $"{Restore}. Without a backup, move {home} away and pair every device anew."),
        ChannelError.IdentityUnavailable => new($"{home.MachineKey} can't be read or written{Why(e)}.", "See why: pocketcoder doctor"),
        _ => new(Sentence(WithoutCode().Replace(e.Message, "")), null),
    };

    public static StartProblem Of(SecretException e, Home home) => e.Error switch
    {
        SecretError.KeyExposed => new(
            $"{home.SecretKey} opens every secret, and other users can reach it.",
            $"If you trust those who could, close it: chmod 600 '{home.SecretKey}'. If not, remove it and {home.Secrets}, and set the secrets anew."),
        SecretError.KeyMissing => new($"{home.SecretKey}, the key of the secrets, is missing.",
            $"Put it back from a backup, or move {home.Secrets} away and set the secrets anew."),
        SecretError.KeyMalformed => new(
            $"{home.SecretKey} is not a key.", $"Put it back from a backup, or move it and {home.Secrets} away and set the secrets anew."),
        SecretError.KeyWrong => new($"{home.SecretKey} is the key of other secrets than those in {home.Secrets}.",
            "Put the right one back from a backup, or move both away and set the secrets anew."),
        SecretError.Damaged => new(
            $"{home.Secrets} is damaged.", $"Put it back from a backup, or move it and {home.SecretKey} away and set the secrets anew."),
        SecretError.InUse => new($"Another process has {home.Secrets} open.", $"See which: fuser -v '{home.Secrets}.lock'"),
        _ => new(Sentence(e.Message), "See why: pocketcoder doctor"),
    };

    public static StartProblem Of(LedgerException e, Home home) => e.Error switch
    {
        LedgerError.Sql => new($"{home.Database} is not as PocketCoder left it{Engine(e)}.", Restore),
        LedgerError.Corrupt or LedgerError.NotALedger =>
            new($"{home.Database} is damaged, or no database of PocketCoder's{Engine(e)}.", Restore),
        LedgerError.WrongMachine => new($"{home.Database} belongs to another machine's keys than {home.MachineKey}.", Restore),
        LedgerError.SchemaNewer => new($"A newer PocketCoder wrote {home.Database}.",
            "Update this program (git pull && ./start.sh), or restore a backup from before: pocketcoder restore FOLDER"),
        LedgerError.Locked => new(
            $"Another process has {home.Database} open.", $"See which, and stop it first: fuser -v '{home.Database}.lock'"),
        LedgerError.ReadOnly => new($"{home.Database} can't be written.", "See why: pocketcoder doctor"),
        LedgerError.Io or LedgerError.Busy => new($"{home.Database} can't be read or written{Engine(e)}.", "See why: pocketcoder doctor"),
        _ => new(Sentence(e.Message), null),
    };

    /// <summary>With a capital and one full stop.</summary>
    private static string Sentence(string text) => text.Length == 0 ? text : $"{char.ToUpperInvariant(text[0])}{text[1..].TrimEnd('.')}.";

    /// <summary>What SQLite itself said, without its numbers and quotes.</summary>
    private static string Engine(LedgerException e)
        => Quoted().Match(e.Message) is { Success: true } said ? $" ({said.Groups["said"].Value})" : "";

    private static string Why(Exception e) => e.InnerException switch
    {
        UnauthorizedAccessException => ": this user may not",
        { } inner => $": {inner.Message.TrimEnd('.')}",
        null => "",
    };

    [GeneratedRegex("'(?<said>[^']+)'\\. \\(SQLite \\d+\\)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex("^[a-z_]+: ", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex WithoutCode();
}
