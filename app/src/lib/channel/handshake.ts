import { type Bytes, concat, copy, toHex, utf8 } from "./bytes";
import { type ChannelLimits, DEFAULT_LIMITS, DeviceChannel } from "./channel";
import { ChannelError } from "./errors";
import { FrameKind, MAX_CONTROL_FRAME_BYTES, parseClose } from "./frames";
import type { DeviceIdentity } from "./identity";
import { NoiseInitiator } from "./noise";
import { idOf, importAgreementKey, P256KeyPair } from "./p256";
import { type PairingLink, pskOf } from "./pairing";

const VERSION = 1;
const PATTERN_RECONNECT = 0;
const PATTERN_PAIR = 1;

/** What only tests choose. */
export interface HandshakeSeams {
  readonly ephemeral?: P256KeyPair;
  readonly limits?: ChannelLimits;
}

/** The device's side of a handshake: send `firstFrame`, give the answer to `complete`. One use. */
export class DeviceHandshake {
  private spent = false;

  private constructor(
    /** The machine that is meant. */
    readonly machineId: string,
    /** To be sent first. */
    readonly firstFrame: Bytes,
    private readonly noise: NoiseInitiator,
    private readonly limits: ChannelLimits,
  ) {}

  /** Begins a connection of a paired device. @throws ChannelError `bad_key` */
  static begin(device: DeviceIdentity, machinePublicKey: Uint8Array, seams: HandshakeSeams = {}): Promise<DeviceHandshake> {
    return DeviceHandshake.start(device, machinePublicKey, undefined, seams);
  }

  /**
   * Begins a pairing. It is done when `complete` succeeded and the machine answered the first message: send one at once, because it
   * is what proves to the machine that this device knows the secret.
   */
  static beginPairing(device: DeviceIdentity, link: PairingLink, seams: HandshakeSeams = {}): Promise<DeviceHandshake> {
    return DeviceHandshake.start(device, link.machinePublicKey, link, seams);
  }

  private static async start(
    device: DeviceIdentity,
    machinePublicKey: Uint8Array,
    link: PairingLink | undefined,
    seams: HandshakeSeams,
  ): Promise<DeviceHandshake> {
    await importAgreementKey(machinePublicKey);
    const machineId = await idOf(machinePublicKey);
    const noise = await NoiseInitiator.create(
      utf8(`pocketcoder/1${machineId}`),
      device.agreement,
      seams.ephemeral ?? (await P256KeyPair.generate()),
      machinePublicKey,
      link && (await pskOf(link.secret)),
    );
    const payload = link ? { v: VERSION, offerId: toHex(link.offerId) } : { v: VERSION };
    const message = await noise.writeFirst(utf8(JSON.stringify(payload)));
    const head = Uint8Array.of(FrameKind.FirstHandshake, link ? PATTERN_PAIR : PATTERN_RECONNECT);
    return new DeviceHandshake(machineId, concat(head, message), noise, seams.limits ?? DEFAULT_LIMITS);
  }

  /**
   * Takes the machine's answer.
   * @throws ChannelError `closed_by_peer` (its `peerReason` says unknown_device, revoked_device, pairing_refused, …),
   * `handshake_failed` (not this machine, or another secret), `bad_key`, `malformed`, `too_large`, `unsupported_version`. The handshake is over then.
   */
  async complete(frame: Uint8Array): Promise<DeviceChannel> {
    if (this.spent) throw new Error("a handshake is completed once");
    this.spent = true;
    const own = copy(frame);
    if (own.length > MAX_CONTROL_FRAME_BYTES) throw new ChannelError("too_large", "a handshake frame is too large");
    const reason = parseClose(own);
    if (reason) throw new ChannelError("closed_by_peer", `the machine refused: ${reason.code}`, reason);
    if (own[0] !== FrameKind.SecondHandshake) throw new ChannelError("malformed", "not an answer to a handshake");

    checkPayload(await this.noise.readSecond(own.subarray(1)));
    const [toMachine, toDevice] = await this.noise.split();
    return DeviceChannel.create(toMachine, toDevice, this.noise.hash, this.limits);
  }
}

function checkPayload(json: Bytes): void {
  let payload: unknown;
  try {
    payload = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(json));
  } catch {
    payload = undefined;
  }
  if (typeof payload !== "object" || payload === null) {
    throw new ChannelError("malformed", "a handshake payload is not the JSON it should be");
  }
  if (!("v" in payload) || payload.v !== VERSION) {
    throw new ChannelError("unsupported_version", "the machine speaks another version of the channel");
  }
}
