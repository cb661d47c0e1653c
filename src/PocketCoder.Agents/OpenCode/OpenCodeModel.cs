namespace PocketCoder.Agents.OpenCode;

/// <summary>A model as OpenCode names it: <c>provider/model</c>; the second part may hold slashes too.</summary>
internal sealed record OpenCodeModel(string Provider, string Model)
{
    private const int Longest = 200;

    /// <exception cref="AgentException">That is no such name.</exception>
    public static OpenCodeModel Parse(string name)
        => name.Length <= Longest && !name.Any(char.IsControl) && name.IndexOf('/', StringComparison.Ordinal) is > 0 and var at && at < name.Length - 1
            ? new OpenCodeModel(name[..at], name[(at + 1)..])
            : throw new AgentException(AgentError.Refused, "OpenCode's models are named provider/model, as `opencode models` lists them.");

    public override string ToString() => $"{Provider}/{Model}";
}
