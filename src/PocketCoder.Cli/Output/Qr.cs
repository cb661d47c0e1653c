using System.Text;
using QRCoder;

namespace PocketCoder.Cli.Output;

/// <summary>A QR code in half-block characters: two modules a character, so that it is square.</summary>
internal static class Qr
{
    /// <summary>The lines, or null when the terminal is too narrow for it.</summary>
    public static IReadOnlyList<string>? Draw(string text, bool color, int width)
    {
        using var code = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.L);
        var modules = code.ModuleMatrix; // with the quiet zone of four modules
        var size = modules.Count;
        if (size > width)
        {
            return null;
        }

        var lines = new List<string>();
        for (var y = 0; y < size; y += 2)
        {
            var line = new StringBuilder(color ? "\e[30;107m" : "");
            for (var x = 0; x < size; x++)
            {
                var (upper, lower) = (modules[y][x], y + 1 < size && modules[y + 1][x]);
                // In colour: black on white whatever the terminal's own. Without: most terminals are light on dark, so the light modules
                // have the ink.
                var (inkAbove, inkBelow) = color ? (upper, lower) : (!upper, !lower);
                line.Append((inkAbove, inkBelow) switch { (true, true) => '█', (true, false) => '▀', (false, true) => '▄', _ => ' ' });
            }

            lines.Add(line.Append(color ? "\e[0m" : "").ToString());
        }

        return lines;
    }
}
