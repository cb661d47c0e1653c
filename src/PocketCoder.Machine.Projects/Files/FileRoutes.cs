using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Files;

/// <summary>The messages about a project's files.</summary>
public static class FileRoutes
{
    public static MessageTable MapFiles(this MessageTable table, FileFinder finder) => table
        .Map(
            DeviceVerbs.FilesFind, Scope.View,
            (_, request, cancellationToken) => finder.FindAsync(request, cancellationToken),
            concurrent: true);
}
