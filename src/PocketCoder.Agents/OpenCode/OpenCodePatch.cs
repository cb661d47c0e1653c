using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// The files that a patch is about to change, as OpenCode tells them when it asks: <c>apply_patch</c> is what some models get in place of
/// <c>edit</c> and <c>write</c>.
/// </summary>
internal sealed record OpenCodePatch(ReadRules Reads, IReadOnlyList<(string Asked, string Real, string Digest)> Files)
{
    private const int MostFiles = 200;

    /// <summary>Null, with the reason for the model, when one of them lies outside of the project or is no text.</summary>
    public static OpenCodePatch? Find(JsonElement metadata, ReadRules reads, out string refusal)
    {
        refusal = "";
        List<string> paths = [.. metadata.Items("files").SelectMany(f => new[] { f.Text("filePath"), f.Text("movePath") }).OfType<string>()
            .Distinct(StringComparer.Ordinal).Take(MostFiles + 1)];
        if (paths.Count is 0 or > MostFiles || metadata.Items("files").Any(f => f.Text("filePath") is null))
        {
            refusal = "It is not known which files that would change. Change one at a time.";
            return null;
        }

        var files = new List<(string, string, string)>();
        foreach (var path in paths)
        {
            if (WriteTarget.Find(reads.WorkingDirectory, path, out refusal, reads.Project) is not { } target)
            {
                return null;
            }

            files.Add((path, target.Path, target.Before.Digest));
        }

        return new OpenCodePatch(reads, files);
    }

    public bool IsStillTrue()
        => Files.All(f => Reads.Beneath(f.Asked) == f.Real && TextFile.Read(f.Real)?.Digest == f.Digest);
}
