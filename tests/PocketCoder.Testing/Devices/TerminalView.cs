using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Testing.Devices;

/// <summary>What a device sees of a terminal: acknowledges like the app, and remembers all text since the last redraw.</summary>
public sealed class TerminalView : IAsyncDisposable
{
    private readonly TestDevice _device;
    private readonly Guid _session;
    private readonly string _name;
    private readonly string _stream;
    private readonly Lock _gate = new(); // guards what is seen
    private readonly StringBuilder _text = new();
    private readonly ConcurrentQueue<Task> _acks = new();
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _epoch = "";
    private long _seq;
    private bool _paused;
    private string? _broken;

    private TerminalView(TestDevice device, Guid session, string name)
    {
        (_device, _session, _name, _stream) = (device, session, name, $"terminal/{session}/{name}");
        device.Heard += Hear;
    }

    public bool MayType { get; private set; }

    public int Columns { get; private set; }

    public int Rows { get; private set; }

    public bool Skipped { get; private set; }

    /// <summary>Everything that was ever received, in UTF-16 units.</summary>
    public long Length { get; private set; }

    /// <summary>While true nothing is acknowledged, as by somebody who does not look.</summary>
    public bool Paused
    {
        get => _paused;
        set
        {
            _paused = value;
            if (!value)
            {
                Acknowledge();
            }
        }
    }

    public string Text
    {
        get
        {
            lock (_gate)
            {
                return _text.ToString();
            }
        }
    }

    public static async Task<TerminalView> OpenAsync(
        TestDevice device, Guid session, string name, int columns = 80, int rows = 24, string? cwd = null)
    {
        await device.AskAsync(
            MessageTypes.TerminalOpen, new TerminalOpenRequest(session, name, columns, rows, cwd), ProtocolJson.Default.TerminalOpenRequest,
            ProtocolJson.Default.TerminalOpenResponse);
        return await AttachAsync(device, session, name, columns, rows);
    }

    public static async Task<TerminalView> AttachAsync(TestDevice device, Guid session, string name, int columns = 80, int rows = 24)
    {
        var view = new TerminalView(device, session, name);
        var attached = await device.AskAsync(
            MessageTypes.TerminalAttach, new TerminalAttachRequest(session, name, columns, rows),
            ProtocolJson.Default.TerminalAttachRequest, ProtocolJson.Default.TerminalAttachResponse);
        view.MayType = attached.MayType;
        await Wait.UntilAsync(() => view.Columns > 0, "the first redraw");
        return view;
    }

    public Task TypeAsync(string keys) => _device.AskAsync(
        MessageTypes.TerminalInput, new TerminalInputRequest(_session, _name, keys), ProtocolJson.Default.TerminalInputRequest,
        ProtocolJson.Default.TerminalInputResponse);

    public Task ResizeAsync(int columns, int rows) => _device.AskAsync(
        MessageTypes.TerminalResize, new TerminalResizeRequest(_session, _name, columns, rows), ProtocolJson.Default.TerminalResizeRequest,
        ProtocolJson.Default.TerminalResizeResponse);

    public Task CloseAsync() => _device.AskAsync(
        MessageTypes.TerminalClose, new TerminalCloseRequest(_session, _name), ProtocolJson.Default.TerminalCloseRequest,
        ProtocolJson.Default.TerminalCloseResponse);

    public Task<string> EndedAsync() => _ended.Task.WaitAsync(Wait.Limit);

    /// <summary>Waits for text, behind the last occurrence of other text when given.</summary>
    public async Task UntilAsync(string wanted, string? after = null)
    {
        try
        {
            await Wait.UntilAsync(
                () =>
                {
                    var text = Text;
                    var from = after is null ? 0 : text.LastIndexOf(after, StringComparison.Ordinal) is >= 0 and var at ? at + after.Length
                        : -1;
                    return _broken is not null || (from >= 0 && text.IndexOf(wanted, from, StringComparison.Ordinal) >= 0);
                },
                wanted);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(
                $"{e.Message}\n{Text[Math.Max(0, Text.Length - 2000)..].Replace("\u001b", "\\e", StringComparison.Ordinal)}", e);
        }

        if (_broken is not null)
        {
            throw new InvalidOperationException(_broken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _device.Heard -= Hear;
        foreach (var ack in _acks)
        {
            try
            {
                await ack;
            }
            catch (Exception e) when (e is WireErrorException or IOException or OperationCanceledException or TimeoutException
                or ObjectDisposedException or System.Net.WebSockets.WebSocketException)
            {
                // the terminal or the connection went first
            }
        }
    }

    private void Hear(Envelope envelope)
    {
        if (envelope.Type != MessageTypes.TerminalOutput || envelope.Stream != _stream)
        {
            return;
        }

        var output = envelope.Payload!.Value.Deserialize(ProtocolJson.Default.TerminalOutputPayload)!;
        lock (_gate)
        {
            if (output.Reset)
            {
                (_epoch, _seq) = (envelope.Epoch!, envelope.Seq!.Value - 1);
                _text.Clear();
            }

            if (envelope.Epoch != _epoch || envelope.Seq != _seq + 1)
            {
                _broken = $"after seq {_seq} of {_epoch} came {envelope.Seq} of {envelope.Epoch}";
            }

            _seq = envelope.Seq!.Value;
            _text.Append(output.Data);
            Length += output.Data.Length;
            Skipped |= output.Skipped;
            (Columns, Rows) = (output.Columns, output.Rows);
        }

        if (output.Ended is { } why)
        {
            _ended.TrySetResult(why);
        }
        else if (!_paused)
        {
            Acknowledge();
        }
    }

    private void Acknowledge() => _acks.Enqueue(_device.AskAsync(
        MessageTypes.TerminalAck, new TerminalAckRequest(_session, _name, _epoch, _seq), ProtocolJson.Default.TerminalAckRequest,
        ProtocolJson.Default.TerminalAckResponse));
}
