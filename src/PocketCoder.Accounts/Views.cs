namespace PocketCoder.Accounts;

/// <summary>Somebody who proved, with this request, that they are signed in.</summary>
/// <param name="SignInId">The sign-in that they used.</param>
public sealed record Person(string UserId, string Name, Role Role, string SignInId);

/// <summary>What a sign-in or a renewal gives. Each is worth nothing without the browser's key.</summary>
/// <param name="Access">For requests, for <see cref="AccountLimits.AccessLife"/>.</param>
/// <param name="Refresh">For the next pair, once.</param>
public sealed record Tokens(string Access, string Refresh);

/// <summary>A browser that is signed in, as its person sees it.</summary>
/// <param name="Current">The one that asks.</param>
public sealed record SignInView(string Id, string Label, DateTimeOffset CreatedAt, DateTimeOffset RenewedAt, bool Current);

/// <summary>A passkey, as its person sees it.</summary>
/// <param name="UsedAt">When it last signed in; null: not yet.</param>
public sealed record PasskeyView(string Id, string Name, DateTimeOffset CreatedAt, DateTimeOffset? UsedAt);

/// <summary>An account at another service, as its person sees it.</summary>
/// <param name="Service">What the service was called when it was added.</param>
/// <param name="Account">What the service called the account then; null: nothing.</param>
/// <param name="UsedAt">When it last signed in; null: not yet.</param>
public sealed record ServiceAccountView(string Id, string Service, string? Account, DateTimeOffset CreatedAt, DateTimeOffset? UsedAt);

/// <summary>A person, as those see them who manage people.</summary>
/// <param name="Machines">The machines that they may meet; null: all.</param>
public sealed record UserView(string Name, Role Role, IReadOnlyList<string>? Machines, DateTimeOffset CreatedAt, int SignIns);

/// <summary>A link that was not used yet.</summary>
/// <param name="By">Who made it; null: who runs the gateway.</param>
public sealed record InvitationView(string Id, Role Role, IReadOnlyList<string>? Machines, string? By, DateTimeOffset EndsAt);

/// <summary>A new invitation.</summary>
/// <param name="Token">Shown once: what is kept is its hash.</param>
public sealed record NewInvitation(string Token, DateTimeOffset EndsAt);
