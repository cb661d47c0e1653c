using System.Threading.Channels;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Connections.Letters;

/// <summary>In the place of the connection of a device that is not there: nothing can be sent to it.</summary>
internal sealed class LetterConnection(string letter, Store store, CancellationToken over) : IDeviceConnection
{
    public string ConnectionId => $"letter {letter}";

    public DateTimeOffset Now => store.Now;

    public CancellationToken Over => over;

    public ValueTask PushAsync(byte[] message) => throw new ChannelClosedException();
}
