using System.Buffers.Binary;

namespace PocketCoder.Sandboxes.Seccomp;

/// <summary>
/// Writes classic BPF for seccomp(2): instructions of 8 bytes, as in <c>struct sock_filter</c> of linux/filter.h (code u16, jt u8, jf u8, k
/// u32; the machine's byte order, and both we know are little-endian).
/// </summary>
internal sealed class BpfAssembler
{
    private const ushort LoadWord = 0x20, JumpEqual = 0x15, JumpGreater = 0x25, JumpGreaterOrEqual = 0x35, JumpAnyBit = 0x45, Return = 0x06;
    private const int MostInstructions = 4096; // BPF_MAXINSNS

    private readonly List<(ushort Code, byte True, byte False, uint Value)> _instructions = [];

    public int Count => _instructions.Count;

    /// <summary>Loads 32 bits of <c>struct seccomp_data</c>: 0 is the call's number, 4 the architecture.</summary>
    public BpfAssembler Load(uint offset) => Add(LoadWord, 0, 0, offset);

    /// <summary>
    /// Loads the lower half of an argument. The kernel takes these arguments as 32 bits, so what stands in the upper half means nothing
    /// (and must not hide anything).
    /// </summary>
    public BpfAssembler LoadArgument(int index) => Load(16 + (8 * (uint)index));

    public BpfAssembler ReturnWhenEqual(uint value, uint action) => Add(JumpEqual, 0, 1, value).ReturnAlways(action);

    public BpfAssembler ReturnWhenGreater(uint value, uint action) => Add(JumpGreater, 0, 1, value).ReturnAlways(action);

    public BpfAssembler ReturnWhenAtLeast(uint value, uint action) => Add(JumpGreaterOrEqual, 0, 1, value).ReturnAlways(action);

    public BpfAssembler ReturnWhenAnyBit(uint bits, uint action) => Add(JumpAnyBit, 0, 1, bits).ReturnAlways(action);

    public BpfAssembler ReturnUnlessAnyBit(uint bits, uint action) => Add(JumpAnyBit, 1, 0, bits).ReturnAlways(action);

    public BpfAssembler ReturnUnlessEqual(uint value, uint action) => Add(JumpEqual, 1, 0, value).ReturnAlways(action);

    public BpfAssembler ReturnAlways(uint action) => Add(Return, 0, 0, action);

    /// <summary>
    /// Runs <paramref name="block"/> only when the accumulator is <paramref name="value"/>. The block must return on every path: it may
    /// load something else.
    /// </summary>
    public BpfAssembler WhenEqual(uint value, Action<BpfAssembler> block)
    {
        var inner = new BpfAssembler();
        block(inner);
        Add(JumpEqual, 0, checked((byte)inner.Count), value);
        _instructions.AddRange(inner._instructions);
        return this;
    }

    public byte[] ToBytes()
    {
        if (_instructions.Count > MostInstructions)
        {
            throw new InvalidOperationException("The filter is longer than the kernel accepts.");
        }

        var bytes = new byte[_instructions.Count * 8];
        var at = bytes.AsSpan();
        foreach (var (code, whenTrue, whenFalse, value) in _instructions)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(at, code);
            at[2] = whenTrue;
            at[3] = whenFalse;
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], value);
            at = at[8..];
        }

        return bytes;
    }

    private BpfAssembler Add(ushort code, byte whenTrue, byte whenFalse, uint value)
    {
        _instructions.Add((code, whenTrue, whenFalse, value));
        return this;
    }
}
