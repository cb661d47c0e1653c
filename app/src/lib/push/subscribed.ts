import { fromBase64Url, toBase64Url } from "../text/base64url";

/** A browser's subscription, as the machine takes it. */
export interface Subscribed {
  readonly endpoint: string;
  readonly p256dh: string;
  readonly auth: string;
  /** The machine's key that it is bound to, base64url; null: the browser does not tell. */
  readonly key: string | null;
}

/** Null: the browser gave no keys, so nothing could be sealed for it. */
export function readSubscription(given: PushSubscription): Subscribed | null {
  const p256dh = given.getKey("p256dh");
  const auth = given.getKey("auth");
  const key = given.options.applicationServerKey;
  if (!p256dh || !auth) return null;
  const text = (bytes: ArrayBuffer): string => toBase64Url(new Uint8Array(bytes));
  return { endpoint: given.endpoint, p256dh: text(p256dh), auth: text(auth), key: key ? text(key) : null };
}

/** Subscribes at the browser's push service, bound to the machine's key: nobody else can send there. @throws DOMException */
export function subscribeWith(manager: PushManager, key: string): Promise<PushSubscription> {
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: fromBase64Url(key) });
}
