using PocketCoder.Platform;

namespace PocketCoder.Machine.Status;

/// <summary>What people call this machine: a text file in the home, else the host's name. Thread-safe.</summary>
public sealed class MachineLabel
{
    private readonly string _path;
    private volatile string _text;

    private MachineLabel(string path, string text) => (_path, _text) = (path, text);

    public string Text => _text;

    /// <summary>Reads the label that the home has.</summary>
    public static MachineLabel Load(Home home) => new(home.MachineLabel, Read(home.MachineLabel));

    /// <param name="label">1–64 characters, trimmed, without control characters: the caller checked.</param>
    public void Set(string label)
    {
        PrivateFile.Replace(_path, System.Text.Encoding.UTF8.GetBytes(label + "\n"));
        _text = label;
    }

    private static string Read(string path)
    {
        var text = File.Exists(path) ? File.ReadAllText(path).Trim() : "";
        return text.Length is >= 1 and <= 64 && !text.Any(char.IsControl) ? text : Environment.MachineName;
    }
}
