using System.Globalization;
using System.Text;

namespace PocketCoder.Machine.Paths;

/// <summary>
/// A path beneath a project, byte for byte as the kernel has it: names need not be UTF-8. Kept as text with one character a byte, so that
/// it can be a key and sorts as bytes do; only <see cref="Shown"/> is for people.
/// </summary>
/// <param name="Raw">Bytes as Latin-1; no leading or trailing slash; empty is the project itself.</param>
public readonly record struct TreePath(string Raw)
{
    public static TreePath Root { get; } = new("");

    public static TreePath Of(ReadOnlySpan<byte> bytes) => new(Encoding.Latin1.GetString(bytes));

    public static TreePath OfText(string text) => Of(Encoding.UTF8.GetBytes(text));

    public byte[] Bytes => Encoding.Latin1.GetBytes(Raw);

    /// <summary>The directory it is in.</summary>
    public TreePath Parent => new(Raw.LastIndexOf('/') is var slash and >= 0 ? Raw[..slash] : "");

    public string Name => Raw[(Raw.LastIndexOf('/') + 1)..];

    /// <summary>As text: bytes that are no UTF-8 as <c>\x{ff}</c>. Control characters are left for the client to show.</summary>
    public string Shown
    {
        get
        {
            var bytes = Bytes.AsSpan();
            var text = new StringBuilder(bytes.Length);
            while (bytes.Length > 0)
            {
                if (Rune.DecodeFromUtf8(bytes, out var rune, out var used) == System.Buffers.OperationStatus.Done)
                {
                    text.Append(rune.ToString());
                }
                else
                {
                    used = 1;
                    text.Append(CultureInfo.InvariantCulture, $"\\x{{{bytes[0]:x2}}}");
                }

                bytes = bytes[used..];
            }

            return text.ToString();
        }
    }

    public static TreePath operator /(TreePath folder, string name) => new(folder.Raw.Length == 0 ? name : $"{folder.Raw}/{name}");

    public bool IsBeneath(TreePath folder)
        => folder.Raw.Length == 0
            || (Raw.Length > folder.Raw.Length && Raw[folder.Raw.Length] == '/' && Raw.StartsWith(folder.Raw, StringComparison.Ordinal));

    public override string ToString() => Shown;
}
