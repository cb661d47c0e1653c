import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { until } from "../../../tests/wait";
import { CameraError, decoder, isPairingLink, LIMIT_MS, scan, type Decoder } from "./scan";

const LINK = `https://atlas.example:8090/#pair=${"a".repeat(120)}`;
let live: number;
let ask: () => Promise<MediaStream>;
const video = { play: () => Promise.resolve(), srcObject: null, videoWidth: 0, videoHeight: 0 } as unknown as HTMLVideoElement;
const reads =
  (...texts: (string | null)[]): (() => Promise<Decoder>) =>
  () =>
    Promise.resolve({ read: () => Promise.resolve(texts.length > 1 ? (texts.shift() ?? null) : (texts[0] ?? null)) });

beforeEach(() => {
  live = 0;
  ask = () => {
    live++;
    return Promise.resolve({ getTracks: () => [{ stop: () => live-- }] } as unknown as MediaStream);
  };
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: () => ask() } });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the camera", () => {
  it("is on until a pairing link is found, whatever else it sees", async () => {
    const seen: string[] = [];
    const found = (text: string): boolean => {
      expect(live).toBe(1);
      seen.push(text);
      return isPairingLink(text);
    };
    expect(await scan(video, new AbortController().signal, found, reads(null, "https://evil.example/", LINK))).toBe(true);
    expect(seen).toEqual(["https://evil.example/", LINK]);
    expect([live, video.srcObject]).toEqual([0, null]);
  });

  it("is off when the screen is left, also while the person is still asked", async () => {
    const left = new AbortController();
    const scanning = scan(video, left.signal, () => false, reads(null));
    await until(() => video.srcObject !== null, "on");
    left.abort();
    expect(await scanning).toBe(false);
    expect(live).toBe(0);

    let answer: () => void = () => undefined;
    const allow = ask;
    ask = () => new Promise((resolve) => (answer = () => void allow().then(resolve)));
    const later = new AbortController();
    const asked = scan(video, later.signal, () => true, reads(LINK));
    later.abort();
    answer();
    expect(await asked).toBe(false);
    expect(live).toBe(0);
  });

  it("is off when the page goes away, is hidden, or two minutes are over", async () => {
    for (const away of [
      () => dispatchEvent(new Event("pagehide")),
      () => {
        vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
        document.dispatchEvent(new Event("visibilitychange"));
      },
    ]) {
      const scanning = scan(video, new AbortController().signal, () => false, reads(null));
      await until(() => video.srcObject !== null, "on");
      away();
      expect(await scanning).toBe(false);
      expect(live).toBe(0);
      vi.restoreAllMocks();
    }
    vi.useFakeTimers();
    const scanning = scan(video, new AbortController().signal, () => false, reads(null));
    await vi.advanceTimersByTimeAsync(LIMIT_MS);
    expect(await scanning).toBe(false);
    expect(live).toBe(0);
  });

  it("is off when its reader can't be fetched", async () => {
    await expect(
      scan(
        video,
        new AbortController().signal,
        () => true,
        () => Promise.reject(new Error("offline")),
      ),
    ).rejects.toThrow("offline");
    expect(live).toBe(0);
  });

  it("that is not there says why", async () => {
    for (const [name, why] of [
      ["NotAllowedError", "refused"],
      ["NotFoundError", "none"],
      ["NotReadableError", "busy"],
      ["TypeError", "failed"],
    ] as const) {
      ask = () => Promise.reject(Object.assign(new Error(name), { name }));
      await expect(scan(video, new AbortController().signal, () => true, reads(LINK))).rejects.toEqual(new CameraError(why));
    }
  });

  it("is read by the browser itself where it can", async () => {
    const made: string[][] = [];
    class Detector {
      static getSupportedFormats = () => Promise.resolve(["qr_code"]);
      constructor({ formats }: { formats: string[] }) {
        made.push(formats);
      }
      detect = () => Promise.resolve([{ rawValue: LINK }]);
    }
    vi.stubGlobal("BarcodeDetector", Detector);
    expect(await (await decoder()).read(video)).toBe(LINK);
    expect(made).toEqual([["qr_code"]]);
  });
});

describe("a pairing link in a code", () => {
  it("has one form", () => {
    const secret = "a".repeat(120);
    expect([LINK, `http://127.0.0.1:8090/#pair=${secret}`, `https://[::1]:8090/#pair=${secret}`].map(isPairingLink)).toEqual([
      true,
      true,
      true,
    ]);
    for (const other of [
      secret,
      `#pair=${secret}`,
      `https://a.example/#pair=${secret}a`,
      `https://a.example/x#pair=${secret}`,
      `https://user@a.example/#pair=${secret}`,
      `https://a.example/?x#pair=${secret}`,
      `javascript:alert(1)//#pair=${secret}`,
      ` ${LINK}`,
      `${LINK}\nmore`,
      "",
    ])
      expect([other, isPairingLink(other)]).toEqual([other, false]);
  });
});
