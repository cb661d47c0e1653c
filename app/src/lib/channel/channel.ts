import { type Bytes, concat, copy } from "./bytes";
import { ChannelError } from "./errors";
import { FrameKind, parseClose } from "./frames";
import { decrypt, encrypt, importAesKey, REKEY_NONCE, TAG_BYTES } from "./noise";

const HEADER_BYTES = 9;
const OVERHEAD_BYTES = HEADER_BYTES + 1 + TAG_BYTES;
const MORE_FOLLOWS = 1;

/** Limits of this end. Frame size and rekey interval are part of the protocol; only tests change them. */
export interface ChannelLimits {
  readonly maxMessageBytes: number;
  readonly maxFrameBytes: number;
  readonly rekeyInterval: bigint;
}

export const DEFAULT_LIMITS: ChannelLimits = {
  maxMessageBytes: 8 << 20,
  maxFrameBytes: 64 << 10,
  rekeyInterval: 16_384n,
};

/** The key and counter of one direction, rekeyed (Noise, section 11.3) every `interval` frames; the counter goes on. */
class Direction {
  counter = 0n;

  constructor(
    private key: CryptoKey,
    private readonly interval: bigint,
  ) {}

  async encrypt(header: Bytes, plaintext: Bytes): Promise<Bytes> {
    await this.begin();
    return encrypt(this.key, this.counter++, header, plaintext);
  }

  async decrypt(header: Bytes, ciphertext: Bytes): Promise<Bytes | undefined> {
    await this.begin();
    return decrypt(this.key, this.counter++, header, ciphertext);
  }

  private async begin(): Promise<void> {
    if (this.counter >= REKEY_NONCE) throw new ChannelError("exhausted", "every counter of this direction is used");
    if (this.counter !== 0n && this.counter % this.interval === 0n) {
      const next = await encrypt(this.key, REKEY_NONCE, new Uint8Array(0), new Uint8Array(32));
      this.key = await importAesKey(next.slice(0, 32));
    }
  }
}

/** Runs jobs one after the other, in the order of the calls, whatever becomes of each. */
function inOrder(): <T>(job: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (job) => {
    const run = last.then(job);
    last = run.catch(() => undefined);
    return run;
  };
}

/**
 * The channel after the handshake: messages in, frames out, and back. Calls of a direction are carried out one after the other in
 * the order they were made; the two directions run independently. The first bad frame poisons the channel: both directions refuse
 * from then on and the caller closes the connection. A frame that does not belong never yields plaintext.
 */
export class DeviceChannel {
  private readonly sending = inOrder();
  private readonly receiving = inOrder();
  private fragments: Bytes[] = [];
  private assembled = 0;
  private failed = false;
  private seen = false;

  private constructor(
    private readonly outward: Direction,
    private readonly inward: Direction,
    /** 32 bytes that only the two ends of this very connection know to be its own: sign them to bind something to it. */
    readonly handshakeHash: Bytes,
    private readonly limits: ChannelLimits,
  ) {}

  /** @internal The handshake makes channels; tests make pairs of them. */
  static async create(sendKey: Bytes, receiveKey: Bytes, handshakeHash: Bytes, limits: ChannelLimits): Promise<DeviceChannel> {
    const [send, receive] = await Promise.all([importAesKey(sendKey), importAesKey(receiveKey)]);
    sendKey.fill(0);
    receiveKey.fill(0);
    const { rekeyInterval } = limits;
    return new DeviceChannel(new Direction(send, rekeyInterval), new Direction(receive, rekeyInterval), handshakeHash, limits);
  }

  /** Whether an authentic frame has come from the machine. */
  get isConfirmed(): boolean {
    return this.seen;
  }

  /** Whether a bad frame, or `close`, ended this channel. */
  get isPoisoned(): boolean {
    return this.failed;
  }

  /** Refuses everything from now on. The keys go when the object does. */
  close(): void {
    this.failed = true;
    this.forget();
  }

  /**
   * Seals a message into frames, to be sent in order and before those of the next message; `sealTo` takes care of that.
   * Do not change `message` before the promise settles.
   * @throws ChannelError `too_large` (the channel is as it was), `exhausted`, `poisoned`
   */
  async seal(message: Uint8Array): Promise<Bytes[]> {
    const frames: Bytes[] = [];
    await this.sealTo(message, (frame) => frames.push(frame));
    return frames;
  }

  /** Seals a message and gives each frame to `send` as soon as it is made. Frames come in the order in which they must travel. */
  sealTo(message: Uint8Array, send: (frame: Bytes) => void): Promise<void> {
    return this.sending(async () => {
      this.throwIfPoisoned();
      const { maxMessageBytes, maxFrameBytes } = this.limits;
      if (message.length > maxMessageBytes) {
        throw new ChannelError("too_large", `a message of ${message.length} bytes; the limit is ${maxMessageBytes}`);
      }
      const room = maxFrameBytes - OVERHEAD_BYTES;
      try {
        for (let at = 0; at === 0 || at < message.length; at += room) {
          const chunk = message.subarray(at, at + room);
          const more = at + room < message.length;
          const header = new Uint8Array(HEADER_BYTES);
          header[0] = FrameKind.Sealed;
          new DataView(header.buffer).setBigUint64(1, this.outward.counter);
          const ciphertext = await this.outward.encrypt(header, concat(Uint8Array.of(more ? MORE_FOLLOWS : 0), chunk));
          this.throwIfPoisoned();
          send(concat(header, ciphertext));
        }
      } catch (error) {
        this.close(); // half a message is out: going on would tear the order
        throw error;
      }
    });
  }

  /**
   * Opens a frame: the message that it completes, or null when more fragments follow.
   * @throws ChannelError `malformed`, `too_large`, `replayed`, `out_of_order`, `corrupt`, `exhausted`, `closed_by_peer`: each poisons the channel; `poisoned` afterwards
   */
  open(frame: Uint8Array): Promise<Bytes | null> {
    const own = copy(frame);
    return this.receiving(async () => {
      this.throwIfPoisoned();
      try {
        return await this.openFrame(own);
      } catch (error) {
        this.close();
        throw error;
      }
    });
  }

  private async openFrame(frame: Bytes): Promise<Bytes | null> {
    const { maxFrameBytes, maxMessageBytes } = this.limits;
    if (frame.length > maxFrameBytes) {
      throw new ChannelError("too_large", `a frame of ${frame.length} bytes; the limit is ${maxFrameBytes}`);
    }
    const reason = parseClose(frame);
    if (reason) throw new ChannelError("closed_by_peer", `the machine closed the channel: ${reason.code}`, reason);
    if (frame[0] !== FrameKind.Sealed || frame.length < OVERHEAD_BYTES) throw new ChannelError("malformed", "not a sealed frame");

    const counter = new DataView(frame.buffer).getBigUint64(1);
    const due = this.inward.counter;
    if (counter < due) throw new ChannelError("replayed", `frame ${counter} came again; ${due} is due`);
    if (counter > due) throw new ChannelError("out_of_order", `frame ${counter} came when ${due} was due`);
    if (frame.length - OVERHEAD_BYTES > maxMessageBytes - this.assembled) {
      throw new ChannelError("too_large", `a message of more than ${maxMessageBytes} bytes`);
    }

    const plaintext = await this.inward.decrypt(frame.slice(0, HEADER_BYTES), frame.slice(HEADER_BYTES));
    if (!plaintext) throw new ChannelError("corrupt", "a sealed frame was altered on the way");
    this.throwIfPoisoned(); // closed while it was being decrypted
    this.seen = true;
    return this.assemble(plaintext[0], plaintext.subarray(1));
  }

  private assemble(flag: number | undefined, bytes: Bytes): Bytes | null {
    if (flag === MORE_FOLLOWS && bytes.length > 0) {
      this.fragments.push(bytes);
      this.assembled += bytes.length;
      return null;
    }
    if (flag !== 0) throw new ChannelError("malformed", "unknown flags, or an empty fragment that announces more");
    const message = this.fragments.length > 0 ? concat(...this.fragments, bytes) : bytes;
    this.forget();
    return message;
  }

  private forget(): void {
    this.fragments = [];
    this.assembled = 0;
  }

  private throwIfPoisoned(): void {
    if (this.failed) throw new ChannelError("poisoned", "the channel failed or was closed before");
  }
}
