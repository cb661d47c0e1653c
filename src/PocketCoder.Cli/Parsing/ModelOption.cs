using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PocketCoder.Machine.Models;

namespace PocketCoder.Cli.Parsing;

/// <summary>
/// A model of a provider as it is typed:
/// <c>ID[,context=TOKENS][,output=TOKENS][,in=USD,out=USD[,cache-read=USD][,cache-write=USD]][,title=TEXT]</c>. Prices are for a million
/// tokens.
/// </summary>
internal static class ModelOption
{
    private const string Form = "ID,context=TOKENS,output=TOKENS,in=USD,out=USD,cache-read=USD,cache-write=USD,title=TEXT; all but the id may stay away";

    public static Option<string[]> Create() => new("--model")
    {
        Description = "A model, repeatable: ID[,context=TOKENS][,in=USD,out=USD], prices for a million tokens",
        HelpName = "MODEL",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    /// <param name="problem">What is wrong, for people, without the rest of what was typed.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out OwnModel? model, [NotNullWhen(false)] out string? problem)
    {
        (model, problem) = (null, null);
        var parts = text.Split(',');
        var made = new OwnModel(parts[0]);
        var given = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var part in parts.Skip(1))
        {
            var (name, value) = part.Split('=', 2) is [var n, var v] ? (n, v) : (part, "");
            if (name == "title" && made.Title is null)
            {
                made = made with { Title = value };
            }
            else if (name is not ("context" or "output" or "in" or "out" or "cache-read" or "cache-write")
                || !Number(value, name is "context" or "output", out var number) || !given.TryAdd(name, number))
            {
                problem = $"--model takes {Form}.";
                return false;
            }
        }

        decimal? Of(string name) => given.TryGetValue(name, out var number) ? number : null;
        if ((Of("in") is null) != (Of("out") is null) || (Of("in") is null && (Of("cache-read") ?? Of("cache-write")) is not null))
        {
            problem = "--model takes in=USD and out=USD together; cache-read and cache-write only with them.";
            return false;
        }

        model = made with
        {
            ContextTokens = (int?)Of("context"),
            OutputTokens = (int?)Of("output"),
            Price = Of("in") is { } input
                ? new OwnPrice(input, Of("out")!.Value) { CacheRead = Of("cache-read"), CacheWrite = Of("cache-write") } : null,
        };
        return true;
    }

    private static bool Number(string text, bool whole, out decimal number)
        => decimal.TryParse(text, whole ? NumberStyles.None : NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number)
            && number <= OwnProvider.MostTokens;
}
