using System.Text;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Status;

/// <summary>What people call this machine: a text file in the home, else the host's name. Thread-safe.</summary>
public sealed class MachineLabel
{
    private readonly RecordedFile _file;
    private volatile string _text;

    private MachineLabel(string path, string text) => (_file, _text) = (new RecordedFile(path), text);

    public string Text => _text;

    /// <summary>Reads the label that the home has.</summary>
    public static MachineLabel Load(Home home) => new(home.MachineLabel, Read(home.MachineLabel));

    /// <summary>Sets another label, together with the rows that tell it. It holds when both are durable, and else neither.</summary>
    /// <param name="label">1–64 characters, trimmed, without control characters: the caller checked.</param>
    /// <param name="record">Writes the rows; it is given the label before.</param>
    /// <exception cref="IOException">It can't be written; nothing changed.</exception>
    public Task SetAsync(string label, Store store, Action<Change, string> record)
        => _file.ChangeAsync(
            store,
            Encoding.UTF8.GetBytes(label + "\n"),
            change =>
            {
                record(change, _text);
                AsFound(label).Remember(change);
            },
            () => _text = label);

    /// <summary>What the next start is compared with.</summary>
    public FileSetting AsFound() => AsFound(_text);

    private static FileSetting AsFound(string label) => FileSetting.Of(FileSettings.Label, label);

    private static string Read(string path)
    {
        var text = File.Exists(path) ? File.ReadAllText(path).Trim() : "";
        return text.Length is >= 1 and <= 64 && !text.Any(char.IsControl) ? text : Environment.MachineName;
    }
}
