/**
 * The end-to-end encrypted channel from this device to a machine (docs/channel.md). The one door of this folder: import from here.
 * WebCrypto only; runs in browsers and Node 20.
 */
export type { Bytes } from "./bytes";
export { type ChannelLimits, DEFAULT_LIMITS, DeviceChannel } from "./channel";
export { ChannelError, type ChannelErrorCode, type CloseReason } from "./errors";
export { closeFrame, FrameKind, parseClose } from "./frames";
export { DeviceHandshake } from "./handshake";
export { DeviceIdentity, type KnownMachine, KnownMachines } from "./identity";
export { idOf } from "./p256";
export { formatPairingPayload, type PairingLink, parsePairingPayload, parsePairingUrl } from "./pairing";
export { signedText, verify } from "./signatures";
export { indexedDbStore, type KeyValueStore } from "./store";
export { machineWords } from "./words";
