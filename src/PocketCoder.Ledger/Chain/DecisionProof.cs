namespace PocketCoder.Ledger;

/// <summary>
/// How a row by which somebody decides says that it was proved: the values of <c>data.proof</c>. A closed set; docs/ledger.md, "Who
/// decided".
/// </summary>
public static class DecisionProof
{
    /// <summary>A device's signature over the digest, by the key that was paired for it and not revoked before this row.</summary>
    public const string DeviceKey = "device-key";

    /// <summary>The owner, over the control socket: the same local user, as the kernel says.</summary>
    public const string OwnerSocket = "owner-socket";

    /// <summary>The machine, by an earlier decision of a person that reaches this request.</summary>
    public const string Grant = "grant";

    /// <summary>A chat platform's word for a person, who was paired by that platform, without keys, and not revoked before.</summary>
    public const string ChatPlatform = "chat-platform";

    /// <summary>What <c>machine_started</c> has in <c>data.proofs</c>: from that row on each such row has its proof.</summary>
    public const string Domain = "pocketcoder-proof-v1";
}
