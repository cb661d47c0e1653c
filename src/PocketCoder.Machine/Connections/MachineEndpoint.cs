using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Channels;
using PocketCoder.Gateway;
using PocketCoder.Machine.Connections.Letters;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>
/// The machine's end of every device's connection: the handshake, the greeting, then a <see cref="DeviceConnection"/>. A device counts as
/// present only after its first authentic frame. Thread-safe.
/// </summary>
internal sealed partial class MachineEndpoint(
    ChannelIdentity identity,
    PairingService pairing,
    DeviceStore devices,
    ConnectionRegistry connections,
    MessageTable table,
    Store store,
    Func<Device, HelloResponse> greet,
    TimeProvider time,
    ILogger logger) : IMachineEndpoint
{
    private const int ProtocolVersion = 1;

    /// <summary>The WebSocket's close code when the machine ends a connection and has said why.</summary>
    internal const ushort Refused = 4000;

    /// <summary>How long a device may take for the handshake and its greeting.</summary>
    private static readonly TimeSpan s_greetingLimit = TimeSpan.FromSeconds(15);

    /// <summary>Bytes of unfinished messages and of requests that are being answered, of one device over all its connections.</summary>
    internal const long MessageBytesPerDevice = 16 << 20;

    /// <summary>The same of all devices.</summary>
    internal const long MessageBytes = 64 << 20;

    /// <summary>What a connection may send before its device has said hello.</summary>
    private static readonly ChannelLimits s_helloLimits = new() { MaxReceivedBytes = Limits.HelloBytes };

    private readonly LetterService _letters = new(identity, devices, table, store, logger);

    /// <summary>Counts what the messages of all devices hold.</summary>
    internal MessageMemory Memory { get; } = new(MessageBytes, MessageBytesPerDevice);

    public string MachineId => identity.Id;

    public async Task ServeAsync(IDeviceLink link, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_greetingLimit, time);
        using var greeting = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            if (await link.ReceiveAsync(greeting.Token) is not { } frame)
            {
                return;
            }

            if (ChannelFrame.KindOf(frame.Span) == FrameKind.Letter)
            {
                await TakeLetterAsync(link, frame, greeting.Token);
                return;
            }

            switch (MachineHandshake.Accept(frame.Span, identity, devices.StandingOf, pairing.Offers, s_helloLimits))
            {
                case HandshakeRefused refused:
                    Log.Refused(logger, refused.Reason, refused.DeviceId);
                    link.ReportFailedHandshake();
                    await link.SendAsync(refused.CloseFrame, greeting.Token);
                    await link.CloseAsync(Refused, CloseReason.Parse(refused.CloseFrame.Span)?.Code ?? "", greeting.Token);
                    return;
                case HandshakeAccepted accepted:
                    await link.SendAsync(accepted.Reply, greeting.Token);
                    await GreetAsync(link, accepted, limit, greeting.Token, ct);
                    return;
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            await link.CloseAsync(RelayClose.HandshakeTooSlow, "The device did not say hello in time.", ct);
        }
        catch (Exception e) when (e is OperationCanceledException or LinkClosedException)
        {
            // Gone: nothing happened.
        }
    }

    /// <summary>Nobody is at the other end who could be answered, but whoever delivers need not keep it.</summary>
    private async Task TakeLetterAsync(IDeviceLink link, ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        var (outcome, isProved) = await _letters.TakeAsync(frame, cancellationToken);
        if (!isProved)
        {
            link.ReportFailedHandshake();
        }

        await link.SendAsync(outcome.ToFrame(), cancellationToken);
        await link.CloseAsync(RelayClose.Normal, outcome.Code, cancellationToken);
    }

    /// <summary>
    /// What a device is told whose first message was refused. One that came too late for a pairing link has proved its secret, and is told
    /// what happened.
    /// </summary>
    private static string Words(ChannelException refused) => refused.Error switch
    {
        ChannelError.PairingRefused => refused.Message,
        ChannelError.TooLarge => $"The first message is larger than {Limits.HelloBytes >> 10} KiB.",
        ChannelError.Malformed => "The first message does not have the form that the protocol demands.",
        _ => "The first message did not belong to this handshake.",
    };

    private async Task GreetAsync(
        IDeviceLink link, HandshakeAccepted accepted, CancellationTokenSource limit, CancellationToken greeting, CancellationToken ct)
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
            // A first frame that does not belong: a wrong pairing secret, most likely, or another device was faster.
            Log.Refused(logger, e.Error, accepted.Device.Id);
            link.ReportFailedHandshake();
            accepted.Channel.Dispose();
            await link.SendAsync(CloseReason.Frame(e.Error, Words(e)), greeting);
            await link.CloseAsync(Refused, e.Error.Code(), greeting);
            return;
        }
        catch (RequestFailure failure)
        {
            using (accepted.Channel)
            {
                await SendAsync(link, accepted.Channel, Message.Failure(null, failure.Error), greeting);
                await link.CloseAsync(Refused, failure.Error.Code.ToString(), greeting);
            }

            return;
        }

        var memory = Memory.Open(device.DeviceId);
        accepted.Channel.Meter(memory, table.MostBytes([.. device.Scopes]));
        await using var connection = new DeviceConnection(
            link, accepted.Channel, device.DeviceId, devices, table, store, logger, ct, time, memory);
        connections.Add(connection);
        try
        {
            // A revocation between the handshake and this line has found no connection to end.
            if (devices.Find(device.DeviceId) is not { RevokedAt: null })
            {
                connection.End(ErrorCode.Unauthorized, DeviceConnection.Revoked);
            }

            limit.CancelAfter(Timeout.InfiniteTimeSpan); // it was in time: what ends it from now on is not its hello
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

        if (hello.Protocol != ProtocolVersion)
        {
            throw EnvelopeReader.Version();
        }

        var app = DeviceNames.RequireApp(hello.App);
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
                var (envelope, refusal) = EnvelopeReader.Read(message.Span);
                return refusal is null ? envelope : throw refusal;
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

    private static partial class Log
    {
        [LoggerMessage(EventId = 211, Level = LogLevel.Warning, Message = "a connection was refused: {Reason} (device {Device})")]
        public static partial void Refused(ILogger logger, ChannelError reason, string? device);

        [LoggerMessage(EventId = 212, Level = LogLevel.Information, Message = "device {Device} proved the pairing secret")]
        public static partial void Paired(ILogger logger, string device);
    }
}
