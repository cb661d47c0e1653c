using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Sending;

/// <summary>What can't be done, in words for the one who wanted it.</summary>
internal sealed class NotDone(string message) : Exception(message)
{
    /// <summary>The person lacks a scope.</summary>
    public static NotDone Needs(Scope scope)
        => new($"This needs the right to {scope.ToString().ToLowerInvariant()}. The machine's owner can give it.");
}
