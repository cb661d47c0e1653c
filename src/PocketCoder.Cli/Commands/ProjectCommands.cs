using System.CommandLine;
using PocketCoder.Cli.Output;
using PocketCoder.Protocol;
using Spectre.Console;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder add</c>, <c>remove</c>, <c>projects</c>, <c>project rename</c>.</summary>
internal static class ProjectCommands
{
    public static Command Add(Terminal terminal)
    {
        var path = new Argument<string>("path") { Description = "Folder of the project", DefaultValueFactory = _ => "." };
        var name = new Option<string?>("--name") { Description = "Name of the project (default: the folder's name)" };
        var force = new Option<bool>("--force") { Description = "Allow the root, your home directory or PocketCoder's own directory" };
        return new Command("add", "Add a folder as a project") { path, name, force }.Does(terminal, async (context, parsed, ct) =>
        {
            var added = await context.Daemon.AddProjectAsync(
                Path.GetFullPath(parsed.GetRequiredValue(path), context.Terminal.CurrentDirectory), parsed.GetValue(name),
                parsed.GetValue(force), ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, added, CliJson.Default.ProjectAddResponse);
            }
            else
            {
                context.Say($"{(added.Added ? "Added" : "Already added:")} {Untrusted.Show(added.Project.Name)}  {Untrusted.Show(added.Project.Path)}");
            }

            return ExitCode.Ok;
        });
    }

    public static Command Remove(Terminal terminal)
    {
        var project = new Argument<string>("project") { Description = "Project id (or a prefix), name or folder" };
        return new Command("remove", "Remove a project; its files stay") { project }.Does(terminal, async (context, parsed, ct) =>
        {
            var removed = await context.Daemon.RemoveProjectAsync(Named(context, parsed.GetRequiredValue(project)), ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, [removed], CliJson.Default.IReadOnlyListProjectInfo);
            }
            else
            {
                context.Say($"Removed {Untrusted.Show(removed.Name)}. Its files stay in {Untrusted.Show(removed.Path)}");
            }

            return ExitCode.Ok;
        });
    }

    public static Command Rename(Terminal terminal)
    {
        var project = new Argument<string>("project") { Description = "Project id (or a prefix), name or folder" };
        var name = new Argument<string>("name") { Description = "New name; the folder keeps its own" };
        return new Command("rename", "Change a project's name") { project, name }.Does(terminal, async (context, parsed, ct) =>
        {
            var renamed = await context.Daemon.RenameProjectAsync(
                Named(context, parsed.GetRequiredValue(project)), parsed.GetRequiredValue(name), ct);
            if (context.Json)
            {
                CliJson.Write(context.Terminal, [renamed], CliJson.Default.IReadOnlyListProjectInfo);
            }
            else
            {
                context.Say($"Renamed to {Untrusted.Show(renamed.Name)}  {Untrusted.Show(renamed.Path)}");
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>A project as the daemon knows it: a dot or a slash means a folder here; a bare word is a name or an id.</summary>
    public static string Named(CommandContext context, string text)
        => text is "." or ".." || text.Contains('/', StringComparison.Ordinal) ? Path.GetFullPath(text, context.Terminal.CurrentDirectory)
            : text;

    /// <summary>The projects that a person means, found as the daemon finds one; a name may be that of several.</summary>
    /// <exception cref="CommandFailure">There is none, or the beginning of an id is that of several.</exception>
    public static IReadOnlySet<Guid> Meant(IReadOnlyList<ProjectInfo> projects, string text, string currentDirectory)
    {
        const int shortestPrefix = 4;
        var path = Path.GetFullPath(text, currentDirectory);
        foreach (var way in (Func<ProjectInfo, bool>[])[p => p.ProjectId.ToString() == text || p.Path == path, p => p.Name == text])
        {
            if (projects.Where(way).Select(p => p.ProjectId).ToHashSet() is { Count: > 0 } found)
            {
                return found;
            }
        }

        var begins = projects.Where(
            p => text.Length >= shortestPrefix && p.ProjectId.ToString().StartsWith(text, StringComparison.OrdinalIgnoreCase)).ToList();
        return begins.Count switch
        {
            1 => new HashSet<Guid> { begins[0].ProjectId },
            0 => throw new CommandFailure("No such project. See: pocketcoder projects", code: Failure.Wire(ErrorCode.ProjectNotFound)),
            _ => throw new CommandFailure($"Ambiguous: {string.Join(" or ", begins.Take(5).Select(p => p.ProjectId))}. Give the full id."),
        };
    }

    public static Command List(Terminal terminal) => new Command("projects", "List projects").Does(terminal, async (context, _, ct) =>
    {
        var projects = await context.Daemon.ListProjectsAsync(ct);
        if (context.Json)
        {
            CliJson.Write(context.Terminal, projects, CliJson.Default.IReadOnlyListProjectInfo);
        }
        else if (projects.Count == 0)
        {
            context.Say("No projects yet. Add one: pocketcoder add FOLDER");
        }
        else
        {
            var table = PlainTable.Of("Name", "Folder", "Id");
            foreach (var project in projects)
            {
                table.Row(project.Name, project.Missing ? project.Path + "  (missing)" : project.Path, project.ProjectId.ToString());
            }

            context.Terminal.Tables().Write(table);
        }

        return ExitCode.Ok;
    });
}
