namespace PocketCoder.Machine;

/// <summary>What people call this machine: a text file in the home, else the host's name. Thread-safe.</summary>
internal sealed class MachineLabel(Home home)
{
    private volatile string _text = Read(home.MachineLabel);

    public string Text => _text;

    /// <param name="label">1–64 characters, trimmed, without control characters: the caller checked.</param>
    public void Set(string label)
    {
        Home.WritePrivate(home.MachineLabel, System.Text.Encoding.UTF8.GetBytes(label + "\n"));
        _text = label;
    }

    private static string Read(string path)
    {
        var text = File.Exists(path) ? File.ReadAllText(path).Trim() : "";
        return text.Length is >= 1 and <= 64 && !text.Any(char.IsControl) ? text : Environment.MachineName;
    }
}
