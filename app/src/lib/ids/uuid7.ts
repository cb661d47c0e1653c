/**
 * A UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds, then random bits. Ids made in the same millisecond on this device still sort
 * in the order they were made: the 12 bits after the version count up within a millisecond.
 */
let lastMs = 0;
let counter = 0;

export function uuid7(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  if (now > lastMs) {
    lastMs = now;
    counter = (((bytes[6] ?? 0) & 0x07) << 8) | (bytes[7] ?? 0); // leaves half of the range to count in
  } else if (++counter > 0xfff) {
    lastMs++;
    counter = 0;
  }
  let ms = lastMs;
  for (let i = 5; i >= 0; i--) {
    bytes[i] = ms % 256;
    ms = Math.floor(ms / 256);
  }
  bytes[6] = 0x70 | (counter >> 8);
  bytes[7] = counter & 0xff;
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
