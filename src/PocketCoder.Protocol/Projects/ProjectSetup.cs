namespace PocketCoder.Protocol;

/// <summary>
/// Looks for a folder to register, beneath the roots that the owner allowed. Hidden folders, folders of other users, links and names that
/// can't be shown are left out.
/// </summary>
/// <param name="Path">Absolute, as an earlier answer gave it. Null: the roots themselves.</param>
public sealed record FoldersListRequest(string? Path = null);

/// <param name="Parent">The folder above; null: this is a root, or the list of roots. A root itself is not registered from a device.</param>
/// <param name="Folders">By name, at most 1,000.</param>
/// <param name="Truncated">There are more folders, or more than 20,000 names in this one.</param>
public sealed record FoldersListResponse(string? Path, string? Parent, IReadOnlyList<FolderEntry> Folders, bool Truncated);

/// <param name="Path">Absolute.</param>
/// <param name="Repository">It has a <c>.git</c>.</param>
/// <param name="ProjectId">It is registered as this project.</param>
public sealed record FolderEntry(string Name, string Path, bool Repository, Guid? ProjectId);

/// <summary>
/// Registers a folder, or gives the project that is registered for this path already (then the name is left as it is). A device may
/// register what <see cref="FoldersListRequest"/> lists; the owner any folder.
/// </summary>
/// <param name="Path">Absolute; a directory that exists.</param>
/// <param name="Name">1–100 characters that can be seen; null: the folder's.</param>
/// <param name="Force">Also where it is usually a mistake: the root, the home directory, this program's own directory. The owner's
/// only.</param>
public sealed record ProjectAddRequest(string Path, string? Name = null, bool Force = false);

/// <param name="Added">False: this path was registered before.</param>
public sealed record ProjectAddResponse(ProjectInfo Project, bool Added);

/// <summary>Makes a folder and registers it; the same again, by its id, makes nothing twice.</summary>
/// <param name="Parent">As <see cref="FoldersListRequest.Path"/>; a root too.</param>
/// <param name="Name">Of the folder and the project: 1–100 characters that can be seen, no slash, no dot or space in front.</param>
/// <param name="Git">With an empty git repository, branch <c>main</c>.</param>
/// <param name="CreationId">Client-made UUIDv7, known for seven days: sent again it gives the same project, also after a crash in between;
/// <c>CONFLICT</c> with anything else in the request. Null: each request is a new one.</param>
public sealed record ProjectCreateRequest(string Parent, string Name, bool Git, Guid? CreationId = null);

/// <param name="Project">As it is now.</param>
public sealed record ProjectCreateResponse(ProjectInfo Project);

/// <param name="Name">1–100 characters that can be seen. The folder keeps its own.</param>
public sealed record ProjectRenameRequest(Guid ProjectId, string Name);

public sealed record ProjectRenameResponse(ProjectInfo Project);

/// <summary>
/// Unregisters a project; its files stay, and its sessions come back when the same folder is registered again. Errors:
/// <c>PROJECT_NOT_FOUND</c>, <c>CONFLICT</c> while a session works in it.
/// </summary>
public sealed record ProjectRemoveRequest(Guid ProjectId);

public sealed record ProjectRemoveResponse(ProjectInfo Project);
