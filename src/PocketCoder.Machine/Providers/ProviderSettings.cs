using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Providers;

/// <summary>
/// The owner's own providers of models in a file of the home, each change with its row in the ledger. It holds no keys. Thread-safe.
/// </summary>
internal sealed class ProviderSettings
{
    public const int Most = 16;

    private const string What = "provider";
    private const int MostBytes = 1024 * 1024;

    private readonly RecordedFile _file;

    private ProviderSettings(string path, ProviderFile file)
    {
        _file = new RecordedFile(path);
        Known.Become(file.Providers, file.Removed ?? []);
    }

    /// <summary>As they are now.</summary>
    public OwnProviders Known { get; } = new();

    /// <summary>Reads what the home has.</summary>
    /// <exception cref="HomeRefusal">The file is damaged.</exception>
    public static ProviderSettings Load(Home home) => new(home.Providers, Read(home));

    /// <summary>What the home has; the providers by name.</summary>
    /// <inheritdoc cref="Load"/>
    public static ProviderFile Read(Home home)
    {
        var path = home.Providers;
        if (!File.Exists(path))
        {
            return new ProviderFile(1, []);
        }

        string? problem;
        try
        {
            if (new FileInfo(path).Length > MostBytes)
            {
                problem = "It is too long.";
            }
            else if (Parse(File.ReadAllBytes(path), out problem) is { } file)
            {
                return file;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
        }

        throw new HomeRefusal($"{path} can't be used. {problem} Remove it, and set each provider again: pocketcoder provider set");
    }

    /// <param name="problem">A sentence for people, when it is none.</param>
    /// <returns>With the providers by name; null: that is no such file.</returns>
    internal static ProviderFile? Parse(ReadOnlySpan<byte> json, out string? problem)
    {
        ProviderFile? file;
        try
        {
            file = JsonSerializer.Deserialize(json, ProviderJson.Default.ProviderFile);
        }
        catch (JsonException e)
        {
            problem = JsonFault.Of(e);
            return null;
        }

        problem = file is not ({ V: 1, Removed: null } or { V: 2, Removed: not null }) ? "It is of another version."
            : file.Providers.Count > Most ? $"There are more than {Most} providers."
            : file.Providers.Any(p => p?.Models is null || p.Models.Any(m => m is null)) ? "A provider or model is missing."
            : file.Providers.DistinctBy(p => p.Name, StringComparer.Ordinal).Count() < file.Providers.Count ? "A name stands twice."
            : file.Removed?.Count > OwnProviders.MostRemoved || file.Removed?.Any(n => n is null || !OwnProvider.IsName(n)) is true
                ? "What it says of removed providers is wrong."
            : file.Providers.Select(p => p.Problem()).FirstOrDefault(p => p is not null);
        return problem is null ? file! with { Providers = [.. file.Providers.OrderBy(p => p.Name, StringComparer.Ordinal)] } : null;
    }

    /// <summary>Sets one, or replaces the one of its name.</summary>
    /// <param name="provider">Without a problem.</param>
    /// <returns>Whether there was room.</returns>
    /// <exception cref="IOException">It can't be written; nothing changed.</exception>
    public async Task<bool> SetAsync(OwnProvider provider, Store store)
    {
        var before = Known.Find(provider.Name);
        if (before is null && Known.All.Count >= Most)
        {
            return false;
        }

        await ChangeAsync(
            Others(provider.Name).Append(provider), new SettingData(What, provider.Name, "set", provider.Words(), before?.Words()), store);
        return true;
    }

    /// <returns>The one that was removed; null: there was none.</returns>
    /// <exception cref="IOException">It can't be written; nothing changed.</exception>
    public async Task<OwnProvider?> RemoveAsync(string name, Store store)
    {
        if (Known.Find(name) is not { } before)
        {
            return null;
        }

        await ChangeAsync(Others(name), new SettingData(What, name, "removed", Old: before.Words()), store);
        return before;
    }

    /// <summary>What the next start is compared with.</summary>
    public FileSetting AsFound() => AsFound(Known.All, Known.Removed);

    private Task ChangeAsync(IEnumerable<OwnProvider> changed, SettingData row, Store store)
    {
        IReadOnlyList<OwnProvider> all = [.. changed.OrderBy(p => p.Name, StringComparer.Ordinal)];
        var removed = Known.RemovedAfter(all);
        return _file.ChangeAsync(
            store, all.Count + removed.Count > 0 ? Content(all, removed) : null, Write, () => Known.Become(all, removed));

        void Write(Change change)
        {
            AsFound(all, removed).Remember(change);
            SettingChange.Record(change, row, device: null);
        }
    }

    private static FileSetting AsFound(IReadOnlyList<OwnProvider> all, IReadOnlyList<string> removed) => FileSetting.Of(
        FileSettings.Providers, all.Count == 0 ? "none" : string.Join("; ", all.Select(p => $"{p.Name}: {p.Words()}")), Content(all, removed));

    // A program that does not know of removed ones must not forget them: it refuses the version.
    private static byte[] Content(IReadOnlyList<OwnProvider> all, IReadOnlyList<string> removed)
        => JsonSerializer.SerializeToUtf8Bytes(
            removed.Count == 0 ? new ProviderFile(1, all) : new ProviderFile(2, all, removed), ProviderJson.Default.ProviderFile);

    private IEnumerable<OwnProvider> Others(string name) => Known.All.Where(p => p.Name != name);
}

/// <param name="Removed">Their names: sessions that were to ask them ask no other one. Null: none.</param>
internal sealed record ProviderFile(
    int V,
    IReadOnlyList<OwnProvider> Providers,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Removed = null);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    WriteIndented = true)]
[JsonSerializable(typeof(ProviderFile))]
internal sealed partial class ProviderJson : JsonSerializerContext;
