/** A short tick under the finger when something was decided, where a device has it (Android). Nothing elsewhere. */
export function vibrate(): void {
  if ("vibrate" in navigator) navigator.vibrate(12);
}

/** The number on the installed app's icon; 0 takes it away. Browsers that have none, or don't allow it, show nothing. */
export function badge(count: number): void {
  if (!("setAppBadge" in navigator)) return;
  void (count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => undefined);
}
