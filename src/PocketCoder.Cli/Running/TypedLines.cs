using Microsoft.Win32.SafeHandles;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Cli.Running;

/// <summary>Lines that a person types in the terminal, as the terminal itself edits them. Not on Windows.</summary>
internal static class TypedLines
{
    private const int Input = 0;

    /// <summary>Reads on a thread of its own: a read of a terminal can't be cancelled, and ends with the program.</summary>
    /// <param name="take">Gets each line; null when there are no more.</param>
    public static void Begin(Action<string?> take)
    {
        var thread = new Thread(() =>
        {
            using var input = new StreamReader(new FileStream(new SafeFileHandle(Input, ownsHandle: false), FileAccess.Read, 0));
            string? line;
            do
            {
                line = Line(input);
                take(line);
            }
            while (line is not null);
        })
        { IsBackground = true, Name = "typed lines" };
        thread.Start();
    }

    /// <summary>Forgets what was typed before the question was there, also a line without its end.</summary>
    public static void Forget() => _ = TerminalCalls.FlushQueue(Input, OperatingSystem.IsMacOS() ? 1 : 0); // TCIFLUSH

    private static string? Line(StreamReader input)
    {
        try
        {
            return input.ReadLine();
        }
        catch (IOException)
        {
            return null; // the terminal is gone
        }
    }
}
