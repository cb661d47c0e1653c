import type { DeviceChannel, DeviceHandshake } from "../channel";
import type { SecureTransport } from "./transport";

/** The channel's handshake and transport phases as the one thing the link works with. */
export class ChannelTransport implements SecureTransport {
  readonly #begin: () => Promise<DeviceHandshake>;
  #handshake: DeviceHandshake | null = null;
  #channel: DeviceChannel | null = null;

  constructor(begin: () => Promise<DeviceHandshake>) {
    this.#begin = begin;
  }

  async begin(): Promise<Uint8Array> {
    this.#handshake = await this.#begin();
    return this.#handshake.firstFrame;
  }

  async complete(frame: Uint8Array): Promise<void> {
    if (!this.#handshake) throw new Error("the handshake has not begun");
    this.#channel = await this.#handshake.complete(frame);
    this.#handshake = null;
  }

  seal(message: Uint8Array): Promise<readonly Uint8Array[]> {
    return this.#ready().seal(message);
  }

  open(frame: Uint8Array): Promise<Uint8Array | null> {
    return this.#ready().open(frame);
  }

  #ready(): DeviceChannel {
    if (!this.#channel) throw new Error("the handshake is not complete");
    return this.#channel;
  }
}
