using PocketCoder.Risks.Paths;

namespace PocketCoder.Risks.Walking;

/// <summary>What reading, writing and deleting a place means.</summary>
internal static class PathEffects
{
    public static void Read(Report report, PlaceFinder places, Place place, bool glob = false, bool tree = false)
    {
        if (place.Zone == Zone.Sink)
        {
            return;
        }

        if (IsSecret(places, place, glob, tree))
        {
            report.CannotBeUndone();
            report.Add(ConsequenceKind.ReadsSecret, place.Shown,
                $"Reads {place.Shown}, where keys or passwords are kept; the agent and its model provider would see them.",
                RiskTier.ReachesOut);
            return;
        }

        if (place.Zone == Zone.Neighbour)
        {
            report.Add(ConsequenceKind.ReadsPath, place.Shown, $"Reads {place.Shown}, which belongs to another project: {place.Project}.",
                RiskTier.ReachesOut);
            return;
        }

        if (tree && place.Zone == Zone.Outside && places.NeighbourIn(place) is { } within)
        {
            report.Add(ConsequenceKind.ReadsPath, place.Shown,
                $"Reads {place.Shown} and everything below it, including another project: {within}.", RiskTier.ReachesOut);
            return;
        }

        report.Add(ConsequenceKind.ReadsPath, place.Shown, $"Reads {place.Shown}.");
    }

    /// <summary>Whether keys or passwords are kept there, or beneath it.</summary>
    public static bool IsSecret(PlaceFinder places, Place place, bool glob, bool tree)
        => SecretPaths.Matches(place.Path, places.Home, glob) || (tree && place.Zone == Zone.Outside && places.IsWide(place));

    /// <summary>Makes a secret reachable by another name, or shows it in part: told only when it is one.</summary>
    public static void Touch(Report report, PlaceFinder places, Place place, bool glob)
    {
        if (place.Zone != Zone.Sink && SecretPaths.Matches(place.Path, places.Home, glob))
        {
            Read(report, places, place, glob);
        }
    }

    public static void Write(Report report, PlaceFinder places, Place place)
    {
        if (place.Zone == Zone.Sink)
        {
            return;
        }

        if (Later(place.Path, places) is { } later)
        {
            report.Add(ConsequenceKind.RunsLater, place.Shown, $"{place.Shown} is read by {later.Who}.", later.Tier);
        }

        if (place.Zone is Zone.Outside or Zone.Neighbour)
        {
            report.CannotBeUndone();
            report.Add(ConsequenceKind.WritesPath, place.Shown, $"Writes {place.Shown}, {Where(place)}.", RiskTier.Destructive);
            return;
        }

        if (place.Zone == Zone.Temporary)
        {
            report.CannotBeUndone(); // no snapshot holds it
        }

        if (place.Zone == Zone.Workspace)
        {
            report.Changes(place.Path);
        }

        report.Add(ConsequenceKind.WritesPath, place.Shown, $"Writes {place.Shown}.", RiskTier.WorkspaceWrite);
    }

    public static void Delete(Report report, PlaceFinder places, Place place)
    {
        if (place.Zone == Zone.Workspace && !places.HoldsWorkspace(place))
        {
            report.Changes(place.Path);
            report.AddUndoable(ConsequenceKind.DeletesPath, place.Shown, $"Deletes {place.Shown}.", RiskTier.Destructive);
            return;
        }

        report.CannotBeUndone();
        var what = places.HoldsWorkspace(place) ? $"{place.Path}, which is the whole workspace"
            : place.Zone is Zone.Outside or Zone.Neighbour ? $"{place.Shown}, {Where(place)}" : place.Shown;
        report.Add(ConsequenceKind.DeletesPath, place.Shown, $"Deletes {what}.", RiskTier.Destructive);
    }

    private static string Where(Place place)
        => place.Project is { } project ? $"which belongs to another project: {project}" : "outside of the workspace";

    /// <summary>Names inside of the workspace are looked at from there: a project may lie below a folder called .vscode.</summary>
    public static (string Who, RiskTier Tier)? Later(string path, PlaceFinder places)
        => LaterPaths.Find(PlaceFinder.Within(path, places.Root) ? path[places.Root.Length..] : PlaceFinder.Within(path, places.Workspace)
            ? path[places.Workspace.Length..] : path, places.Home);
}
