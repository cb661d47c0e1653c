using System.Text;
using PocketCoder.Channels;
using PocketCoder.Ledger;

namespace PocketCoder.Machine.Ledger;

/// <summary>Signs heads of the ledger with the machine's identity.</summary>
public static class MachineSigner
{
    public static LedgerSigner Of(ChannelIdentity identity) => new(
        identity.SigningPublicKey.ToArray(),
        text =>
        {
            // The head's text is a domain and fields, one a line: just what an identity signs.
            var lines = Encoding.UTF8.GetString(text).Split('\n');
            return identity.Sign(lines[0], lines.AsSpan(1));
        });
}
