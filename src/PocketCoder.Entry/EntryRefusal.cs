using PocketCoder.Protocol;

namespace PocketCoder.Entry;

/// <summary>The machine refuses, and says why in words for people.</summary>
public sealed class EntryRefusal(WireError error) : Exception(error.Message)
{
    public WireError Error { get; } = error;
}
