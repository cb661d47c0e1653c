using System.Diagnostics.CodeAnalysis;

namespace PocketCoder.Agents.OpenCode;

/// <summary>A model as OpenCode names it: <c>provider/model</c>; the second part may hold slashes too.</summary>
internal sealed record OpenCodeModel(string Provider, string Model)
{
    private const int Longest = 200;

    /// <exception cref="AgentException">That is no such name.</exception>
    public static OpenCodeModel Parse(string name)
        => TryParse(name, out var model)
            ? model
            : throw new AgentException(AgentError.Refused, "OpenCode's models are named provider/model, as `opencode models` lists them.");

    public static bool TryParse(string name, [NotNullWhen(true)] out OpenCodeModel? model)
    {
        var at = name.IndexOf('/', StringComparison.Ordinal);
        model = name.Length <= Longest && !name.Any(char.IsControl) && at > 0
            && at < name.Length - 1 ? new OpenCodeModel(name[..at], name[(at + 1)..]) : null;
        return model is not null;
    }

    public override string ToString() => $"{Provider}/{Model}";
}
