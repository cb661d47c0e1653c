using System.Text.RegularExpressions;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Programs;

/// <summary>
/// The dynamic loader called by name: <c>/lib64/ld-linux-x86-64.so.2 /bin/rm -rf x</c> runs <c>rm</c> (ld.so(8)). It lies in no folder of
/// programs, so it is known by its own name.
/// </summary>
internal static partial class Loaders
{
    private static readonly string[] s_folders = ["/lib/", "/lib64/", "/lib32/", "/usr/lib/", "/usr/lib64/", "/usr/lib32/"];

    public static bool IsLoader(string program) => Name().IsMatch(program[(program.LastIndexOf('/') + 1)..]);

    public static void Run(Invocation call)
    {
        call.RunsCode(call.Shown, $"Starts a program through the dynamic loader: {call.Shown}");
        if (call.Name.Contains('/', StringComparison.Ordinal) && !s_folders.Any(f => call.Name.StartsWith(f, StringComparison.Ordinal)))
        {
            // It is only called like the loader.
            call.Report.Unseen();
            call.At(new Arg(call.Name), place => call.Report.Script(place.Path));
        }

        for (var i = 0; i < call.Args.Count; i++)
        {
            var arg = call.Args[i];
            if (!arg.Exact)
            {
                call.Report.NotUnderstood(
                    arg.Text, $"The program that the loader starts is known only at run time: {arg.Text}", ConsequenceKind.RunsCode);
                return;
            }

            switch (arg.Text)
            {
                case "--list" or "--verify" or "--inhibit-cache":
                    continue;
                case "--library-path" or "--argv0" or "--inhibit-rpath" or "--preload" or "--audit" or "--glibc-hwcaps-prepend"
                    or "--glibc-hwcaps-mask":
                    call.Report.NotUnderstood(
                        arg.Text, $"Gives the loader custom libraries or a custom name: {call.Shown}", ConsequenceKind.ChangesMeaning);
                    i++;
                    continue;
            }

            if (arg.Text.StartsWith('-'))
            {
                call.Report.NotUnderstood(arg.Text, $"An option of the loader is not known: {arg.Text}", ConsequenceKind.RunsCode);
                continue;
            }

            call.Start(call.Args.Skip(i));
            return;
        }
    }

    [GeneratedRegex("^ld(64|32)?(-[A-Za-z0-9_-]+)?\\.so(\\.[0-9]+)*$|^ld-[0-9.]+\\.so$|^ld-musl-[A-Za-z0-9_]+\\.so(\\.[0-9]+)*$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();
}
