using Spectre.Console;

namespace PocketCoder.Cli;

/// <summary>Where a command reads its surroundings and writes its answer. Tests give their own.</summary>
internal sealed record Terminal(TextWriter Out, TextWriter Error, Func<string, string?> Environment)
{
    /// <summary>Whether a person looks at <see cref="Out"/>: it is a terminal and not a pipe or file.</summary>
    public bool Interactive { get; init; }

    /// <summary>
    /// Whether <see cref="Out"/> takes colours: a terminal, and neither <c>NO_COLOR</c> (no-color.org) nor <c>TERM=dumb</c>.
    /// </summary>
    public bool Color => Interactive && Environment("NO_COLOR") is null or "" && Environment("TERM") != "dumb";

    /// <summary>Whether a person looks at <see cref="Error"/>.</summary>
    public bool InteractiveError { get; init; }

    /// <summary>What is piped in.</summary>
    public TextReader In { get; init; } = TextReader.Null;

    /// <summary>The same as bytes, whatever they are; null: only <see cref="In"/> is there.</summary>
    public Stream? BytesIn { get; init; }

    /// <summary>
    /// Takes bytes as they are to where <see cref="Out"/> (or <see cref="Error"/>) writes; null: only text can be written.
    /// </summary>
    public Func<bool, Stream>? Bytes { get; init; }

    /// <summary>Asks a person for a line that is not shown while it is typed; null when nobody sits there.</summary>
    public Func<string, string>? ReadHidden { get; init; }

    /// <summary>Columns; a pipe has room for everything.</summary>
    public int Width { get; init; } = 500;

    public string CurrentDirectory { get; init; } = Directory.GetCurrentDirectory();

    public static Terminal System()
    {
        var interactive = !Console.IsOutputRedirected;
        return new(Console.Out, Console.Error, global::System.Environment.GetEnvironmentVariable)
        {
            Interactive = interactive,
            InteractiveError = !Console.IsErrorRedirected,
            In = Console.In,
            BytesIn = Console.OpenStandardInput(),
            Bytes = error => error ? Console.OpenStandardError() : Console.OpenStandardOutput(),
            ReadHidden = Console.IsInputRedirected ? null : OperatingSystem.IsWindows() ? Hidden : HiddenLine.Ask,
            // 0: the terminal does not know
            Width = !interactive ? 500 : Console.WindowWidth is > 0 and var columns ? Math.Max(40, columns) : 80,
        };
    }

    /// <summary>On Windows.</summary>
    private static string Hidden(string question)
    {
        Console.Error.Write(question); // standard output may be a file
        var line = new System.Text.StringBuilder();
        while (Console.ReadKey(intercept: true) is var key && key.Key != ConsoleKey.Enter)
        {
            if (key.Key == ConsoleKey.Backspace)
            {
                line.Length = Math.Max(0, line.Length - 1);
            }
            else if (!char.IsControl(key.KeyChar))
            {
                line.Append(key.KeyChar);
            }
        }

        Console.Error.WriteLine();
        return line.ToString();
    }

    /// <summary>For tables; everything shown in them is escaped by <see cref="Output.Untrusted"/> first.</summary>
    public IAnsiConsole Tables()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Out),
            Ansi = Color ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = Color ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = Width;
        return console;
    }
}
