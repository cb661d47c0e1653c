namespace PocketCoder.Accounts;

/// <summary>
/// What a browser presents to prove that it has a key, for this request and no other (docs/accounts.md, proof). The rules are those of
/// RFC 9449, with the body added.
/// </summary>
/// <param name="Origin">The page's origin, as its browser named it and as the gateway allows it.</param>
/// <param name="Method">The request's method, in capitals.</param>
/// <param name="Path">The request's path, without a query.</param>
/// <param name="Body">The request's body, as it was sent.</param>
/// <param name="Text">What the request presents: <c>NONCE.ONCE.SIGNATURE</c>; null: nothing.</param>
/// <param name="Caller">Whom tries are counted for: an address, or a local user at one.</param>
public sealed record Proof(string Origin, string Method, string Path, ReadOnlyMemory<byte> Body, string? Text, string Caller);
