namespace PocketCoder.Protocol;

/// <summary>Looks for files of a project by part of their path, for naming them in a prompt. What git ignores is not found.</summary>
/// <param name="Query">At most 200 characters, any case. Empty: those at the top.</param>
/// <param name="Limit">1 to 50.</param>
public sealed record FilesFindRequest(Guid ProjectId, string Query, int Limit = 20);

/// <param name="Paths">Relative to the project, with slashes, the best first. Names with control, direction or invisible characters, or
/// that are no UTF-8, are left out.</param>
/// <param name="Partial">Not all of the project was looked at: it has more than 50,000 files, or it took longer than two seconds.</param>
public sealed record FilesFindResponse(IReadOnlyList<string> Paths, bool Partial);
