using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// What the owner set for entry points, in a file of the home, each change with its row in the ledger. The daemon goes by what it found at
/// its start: a change counts from the next one on. Thread-safe.
/// </summary>
internal sealed class EntrySettings
{
    private const string What = "entry";

    private readonly RecordedFile _file;
    private volatile EntrySetting? _now;

    private EntrySettings(string path, EntrySetting? found) => (_file, _now, Found) = (new RecordedFile(path), found, found);

    /// <summary>Platforms that can be set up.</summary>
    public static IReadOnlyList<string> Platforms { get; } = [EntrySetting.Platform];

    /// <summary>What the start found.</summary>
    public EntrySetting? Found { get; }

    /// <summary>Null: nothing is set.</summary>
    public EntrySetting? Now => _now;

    /// <summary>Reads what the home has.</summary>
    /// <exception cref="HomeRefusal">The file is damaged.</exception>
    public static EntrySettings Load(Home home) => new(home.Feishu, EntrySetting.Read(home));

    /// <param name="setting">Without a problem.</param>
    /// <exception cref="IOException">It can't be written; nothing changed.</exception>
    public async Task SetAsync(EntrySetting setting, Store store)
    {
        setting = setting.Plain();
        await _file.ChangeAsync(
            store,
            setting.Content(),
            change =>
            {
                SettingChange.Record(change, new SettingData(What, EntrySetting.Platform, "set", setting.Words(), _now?.Words()), null);
                AsFound(setting).Remember(change);
            },
            () => _now = setting);
    }

    /// <summary>What the next start is compared with.</summary>
    public FileSetting AsFound() => AsFound(_now);

    private static FileSetting AsFound(EntrySetting? setting)
        => FileSetting.Of(FileSettings.Feishu, setting?.Words() ?? "none", setting?.Content() ?? []);
}
