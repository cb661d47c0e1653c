import { t } from "../strings";

/** Tells a person whose page is in the background that something waits. Says only that: what it is stays inside the app. */
export function notifyPending(text: string): void {
  if (document.visibilityState === "visible" || !("Notification" in globalThis) || Notification.permission !== "granted") return;
  navigator.serviceWorker?.ready.then(
    (registration) => registration.showNotification(t.app.name, { body: text, tag: "pending", icon: "/icon-192.png" }),
    () => undefined, // without a worker there is no notification; the inbox counts anyway
  );
}
