import { catalogue } from "./language";

/** The words for a machine that will not be reached by itself. They come later than the first load: whoever sees them has waited for the machine already. */
const english = {
  refused: "The machine refused this device",
  unproved: "This reason arrived unencrypted; anyone on the network path could have forged it.",
  refusedCodes: {
    revoked_device: "The machine says this device was revoked. If that is right, pair it again with a new link.",
    unknown_device: "The machine does not know this device. Pair it again with a new link.",
    pairing_refused: "The machine did not accept the pairing link. It may have been used already or be older than 10 minutes.",
  } as Record<string, string>,
  revoked: "This device was revoked",
  revokedHelp:
    "It can no longer view or approve anything on this machine. To use it again, run this on the machine and open the link here:",
  version: "App and machine use different protocol versions",
  forget: "Forget this machine",
  forgetSure: "This deletes your drafts, offline copies and unsent messages. To use this machine again, pair this device again.",
};

export const w: typeof english = catalogue("trouble", english);
