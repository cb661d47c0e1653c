using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>
/// The machine's end of every device's connection: the handshake, the greeting, then a <see cref="DeviceConnection"/>. A device counts as
/// present only after its first authentic frame. Thread-safe.
/// </summary>
internal sealed partial class MachineEndpoint(
    ChannelIdentity identity,
    PairingDesk pairing,
    DeviceStore devices,
    ConnectionRegistry connections,
    MessageTable table,
    Store store,
    Func<Device, HelloResponse> greet,
    TimeProvider time,
    ILogger logger) : IMachineEndpoint
{
    /// <summary>How long a device may take for the handshake and its greeting.</summary>
    private static readonly TimeSpan GreetingLimit = TimeSpan.FromSeconds(15);

    public string MachineId => identity.Id;

    public async Task ServeAsync(IDeviceLink link, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(GreetingLimit, time);
        using var greeting = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            if (await link.ReceiveAsync(greeting.Token) is not { } frame)
            {
                return;
            }

            switch (MachineHandshake.Accept(frame.Span, identity, StandingOf, pairing.Offers))
            {
                case HandshakeRefused refused:
                    Log.Refused(logger, refused.Reason, refused.DeviceId);
                    link.ReportFailedHandshake();
                    await link.SendAsync(refused.CloseFrame, greeting.Token);
                    return;
                case HandshakeAccepted accepted:
                    await link.SendAsync(accepted.Reply, greeting.Token);
                    await GreetAsync(link, accepted, greeting.Token, ct);
                    return;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or LinkClosedException)
        {
            // Gone, or too slow to say who it is: nothing happened.
        }
    }

    private async Task GreetAsync(IDeviceLink link, HandshakeAccepted accepted, CancellationToken greeting, CancellationToken ct)
    {
        byte[] response;
        Device device;
        try
        {
            var envelope = await FirstMessageAsync(link, accepted.Channel, greeting);
            if (envelope is null)
            {
                accepted.Channel.Dispose();
                return;
            }

            if (accepted.Pairing is not null)
            {
                Log.Paired(logger, accepted.Device.Id);
            }

            (device, response) = await HelloAsync(accepted, envelope);
        }
        catch (ChannelException e)
        {
            // A first frame that does not belong: a wrong pairing secret, most likely.
            Log.Refused(logger, e.Error, accepted.Device.Id);
            link.ReportFailedHandshake();
            accepted.Channel.Dispose();
            await link.SendAsync(CloseReason.Frame(e.Error, "The first message did not belong to this handshake."), greeting);
            return;
        }
        catch (RequestFailure failure)
        {
            using (accepted.Channel)
            {
                await SendAsync(link, accepted.Channel, Message.Failure(null, failure.Error), greeting);
            }

            return;
        }

        await using var connection = new DeviceConnection(link, accepted.Channel, device.DeviceId, devices, table, store, logger, ct);
        connections.Add(connection);
        try
        {
            // A revocation between the handshake and this line has found no connection to end.
            if (devices.Find(device.DeviceId) is not { RevokedAt: null })
            {
                connection.End("revoked", "This device was revoked.");
            }

            await connection.ServeAsync(response);
        }
        finally
        {
            connections.Remove(connection);
        }
    }

    private async Task<(Device Device, byte[] Response)> HelloAsync(HandshakeAccepted accepted, Envelope envelope)
    {
        if (envelope.Type != MessageTypes.Hello)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "The first message must be hello.");
        }

        HelloRequest hello;
        try
        {
            hello = envelope.Payload?.Deserialize(ProtocolJson.Default.HelloRequest) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "The hello is not what it must be.");
        }

        if (hello.Protocol < 1)
        {
            throw new RequestFailure(ErrorCode.VersionUnsupported, "This machine speaks protocol 1. Update the app.");
        }

        var app = DeviceNames.Require(hello.App);
        Device device;
        if (accepted.Pairing is { } attempt)
        {
            device = await pairing.PairAsync(accepted.Device, attempt, hello, app);
        }
        else
        {
            device = devices.Find(accepted.Device.Id)!;
            if (hello.SigningKey is { } key && !SigningKeys.Same(key, device.SigningKey))
            {
                throw new RequestFailure(ErrorCode.Unauthorized, "This device's signing key is not the one it paired with. Pair it again.");
            }

            await devices.SeenAsync(device, app);
        }

        return (device, Message.Response(MessageTypes.Hello, envelope.RequestId, greet(device), ProtocolJson.Default.HelloResponse));
    }

    private static async Task<Envelope?> FirstMessageAsync(IDeviceLink link, SecureChannel channel, CancellationToken cancellationToken)
    {
        while (await link.ReceiveAsync(cancellationToken) is { } frame)
        {
            using var message = channel.Open(frame.Span);
            if (message is not null)
            {
                try
                {
                    return JsonSerializer.Deserialize(message.Span, ProtocolJson.Default.Envelope);
                }
                catch (JsonException)
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "The first message was no valid envelope.");
                }
            }
        }

        return null;
    }

    private static async Task SendAsync(IDeviceLink link, SecureChannel channel, byte[] message, CancellationToken cancellationToken)
    {
        using var frames = channel.Seal(message);
        for (var i = 0; i < frames.Count; i++)
        {
            await link.SendAsync(frames[i].ToArray(), cancellationToken);
        }
    }

    private DeviceStanding StandingOf(Peer peer) => devices.Find(peer.Id) switch
    {
        { } device when !peer.PublicKey.SequenceEqual(device.StaticKey) => DeviceStanding.Unknown,
        { RevokedAt: null } => DeviceStanding.Known,
        { } => DeviceStanding.Revoked,
        null => DeviceStanding.Unknown,
    };

    private static partial class Log
    {
        [LoggerMessage(EventId = 211, Level = LogLevel.Warning, Message = "a connection was refused: {Reason} (device {Device})")]
        public static partial void Refused(ILogger logger, ChannelError reason, string? device);

        [LoggerMessage(EventId = 212, Level = LogLevel.Information, Message = "device {Device} proved the pairing secret")]
        public static partial void Paired(ILogger logger, string device);
    }
}
