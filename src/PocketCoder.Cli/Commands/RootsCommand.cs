using System.CommandLine;
using PocketCoder.Cli.Output;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder roots add|remove|list</c>: beneath which folders devices may register projects.</summary>
internal static class RootsCommand
{
    public static Command Create(Terminal terminal)
    {
        var path = new Argument<string>("path") { Description = "Folder that holds projects" };
        return new Command("roots", "Manage the folders beneath which devices may add projects")
        {
            new Command("list", "List them").Does(terminal, async (context, _, ct) =>
            {
                var roots = await context.Daemon.ListRootsAsync(ct);
                if (context.Json)
                {
                    CliJson.Write(context.Terminal, roots, CliJson.Default.IReadOnlyListString);
                    return ExitCode.Ok;
                }

                context.Say(roots.Count == 0
                    ? "None: devices can't add projects. Allow a folder: pocketcoder roots add FOLDER"
                    : string.Join('\n', roots.Select(Untrusted.Show)));
                return ExitCode.Ok;
            }),
            new Command("add", "Let devices add projects beneath a folder") { path }.Does(
                terminal,
                async (context, parsed, ct) => Tell(
                    context, "Devices with the scope 'manage' may add projects beneath",
                    await context.Daemon.AddRootAsync(Absolute(context, parsed.GetRequiredValue(path)), ct))),
            new Command("remove", "Let them no longer; projects that are added stay") { path }.Does(
                terminal,
                async (context, parsed, ct) => Tell(
                    context, "Devices may no longer add projects beneath",
                    await context.Daemon.RemoveRootAsync(Absolute(context, parsed.GetRequiredValue(path)), ct))),
        };
    }

    private static string Absolute(CommandContext context, string path) => Path.GetFullPath(path, context.Terminal.CurrentDirectory);

    private static int Tell(CommandContext context, string what, string root)
    {
        if (context.Json)
        {
            CliJson.Write(context.Terminal, [root], CliJson.Default.IReadOnlyListString);
        }
        else
        {
            context.Say($"{what} {Untrusted.Show(root)}");
        }

        return ExitCode.Ok;
    }
}
