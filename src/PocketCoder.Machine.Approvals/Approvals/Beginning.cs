namespace PocketCoder.Machine.Approvals;

/// <summary>Whether something that was allowed began.</summary>
/// <param name="Begun">Its row stands: it runs from now on.</param>
/// <param name="Difference">What differed at the last look; null: nothing. Then it was refused.</param>
public readonly record struct Beginning(bool Begun, string? Difference);
