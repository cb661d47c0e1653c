/** Watches for a new version of the app. It waits until the person says so: an update never takes the page away in the middle of a decision. */
class Update {
  waiting = $state.raw<ServiceWorker | null>(null);
  #asked = false;

  async start(): Promise<void> {
    if (!("serviceWorker" in navigator)) return;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (this.#asked) location.reload();
    });
    const registration = await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
    const look = (): void => {
      // The first worker of all takes over by itself; one that waits behind another is an update.
      if (registration.waiting && navigator.serviceWorker.controller) this.waiting = registration.waiting;
    };
    look();
    registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") registration.update().catch(() => undefined); // offline: the next time
    });
  }

  apply(): void {
    this.#asked = true;
    this.waiting?.postMessage("take-over");
  }
}

export const update = new Update();
