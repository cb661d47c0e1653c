using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>A connection as the machine keeps it while it lasts, whatever it came over. Thread-safe.</summary>
internal interface ILiveConnection : IDeviceConnection
{
    string DeviceId { get; }

    /// <summary>When its last whole message came, as a timestamp of the clock.</summary>
    long Heard { get; }

    /// <summary>Whether a person can see what is at its other end, as that said last.</summary>
    bool IsVisible { get; set; }

    FollowedStreams Streams { get; }

    /// <summary>Ends the connection with a reason that its other end shows. The first reason counts.</summary>
    void End(ErrorCode code, string message);

    /// <summary>
    /// Sends what the followed streams have so far and follows them no longer; completes when all of it was handed on. The connection
    /// itself goes on.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was not taken in time.</exception>
    Task FinishStreamsAsync(CancellationToken cancellationToken);
}
