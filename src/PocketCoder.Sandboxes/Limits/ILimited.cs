using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Limits;

/// <summary>Something that runs in a sandbox and is ended when it takes too much. Thread-safe.</summary>
internal interface ILimited
{
    /// <summary>The process on the host below which all of it is.</summary>
    ProcessIdentity Leader { get; }

    /// <summary>Completes when it is over; never faults.</summary>
    Task Over { get; }

    /// <summary>Ends it.</summary>
    /// <param name="why">The bound that it broke, for agents and people.</param>
    Task EndAsync(string why);
}
