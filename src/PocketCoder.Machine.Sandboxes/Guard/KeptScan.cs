using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Machine.Paths;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// A scan as it is kept while something runs, so that a daemon that is killed meanwhile compares all the same when it is back.
/// </summary>
/// <param name="Open">Something ran that was allowed with protected configuration in view.</param>
internal sealed record KeptScan(string Folder, bool Open, IReadOnlyList<KeptFile> Files, IReadOnlyDictionary<string, bool> Repositories,
    IReadOnlyList<string> Unseen, IReadOnlyDictionary<string, string> Scripts)
{
    public static string PathOf(string directory, string folder)
        => Path.Combine(directory, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..32]}.scan");

    public static void Write(string directory, string folder, ProjectScan scan, bool open)
    {
        PrivateFolder.Make(directory);
        var kept = new KeptScan(
            folder,
            open,
            [.. scan.Files.Select(f => new KeptFile(f.Key.Raw, f.Value.Kind, f.Value.Repository.Raw, f.Value.State.Type,
                f.Value.State.Permissions, f.Value.State.Content, f.Value.State.Identity))],
            scan.Repositories.ToDictionary(r => r.Key.Raw, r => r.Value, StringComparer.Ordinal),
            scan.Unseen,
            scan.Scripts.ToDictionary(s => s.Key.Raw, s => s.Value, StringComparer.Ordinal));
        SlotFile.Write(PathOf(directory, folder), JsonSerializer.SerializeToUtf8Bytes(kept, KeptJson.Default.KeptScan));
    }

    /// <summary>Nothing runs there any more.</summary>
    public static void Clear(string directory, string folder) => SlotFile.Clear(PathOf(directory, folder));

    /// <summary>Null when nothing ran, or it can't be read.</summary>
    public static KeptScan? Read(string path)
    {
        try
        {
            // An earlier version had plain JSON here, and may have been killed with it.
            var kept = path.EndsWith(".json", StringComparison.Ordinal) ? File.ReadAllBytes(path) : SlotFile.Read(path);
            return kept is not null ? JsonSerializer.Deserialize(kept, KeptJson.Default.KeptScan) : null;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public ProjectScan Scan()
    {
        var scan = new ProjectScan();
        foreach (var file in Files)
        {
            scan.Files[new TreePath(file.Path)] = new GuardedFile(
                file.Kind, new TreePath(file.Repository), new FileState(file.Type, file.Permissions, file.Content, file.Identity));
        }

        foreach (var (path, bare) in Repositories)
        {
            scan.Repositories[new TreePath(path)] = bare;
        }

        foreach (var (path, text) in Scripts)
        {
            scan.Scripts[new TreePath(path)] = text;
        }

        scan.Unseen.AddRange(Unseen);
        return scan;
    }
}

/// <param name="Path">As <see cref="TreePath"/> has it.</param>
internal sealed record KeptFile(
    string Path, GuardedKind Kind, string Repository, char Type, int Permissions, byte[]? Content, string Identity);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(KeptScan))]
internal sealed partial class KeptJson : JsonSerializerContext;
