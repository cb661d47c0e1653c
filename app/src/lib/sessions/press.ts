const LONG_MS = 500;
/** A finger that moves so far scrolls. */
const MOVED_PX = 10;

/** Tells when a finger rests on an element for a moment; the tap that ends it is none, and the browser's own menu does not come. */
export function longPress(element: HTMLElement, held: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let from = { x: 0, y: 0 };
  let wasHeld = false;

  const listen = new AbortController();
  const on = <K extends keyof HTMLElementEventMap>(type: K, heard: (event: HTMLElementEventMap[K]) => void, capture = false): void =>
    element.addEventListener(type, heard, { signal: listen.signal, capture });
  const leave = (): void => clearTimeout(timer);
  on("pointerdown", (event) => {
    wasHeld = false;
    if (event.pointerType !== "touch" || !event.isPrimary) return;
    from = { x: event.clientX, y: event.clientY };
    timer = setTimeout(() => {
      wasHeld = true;
      held();
    }, LONG_MS);
  });
  on("pointermove", (event) => {
    if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > MOVED_PX) leave();
  });
  on("pointerup", leave);
  on("pointercancel", leave);
  on("contextmenu", (event) => {
    if (wasHeld) event.preventDefault();
  });
  on(
    "click",
    (event) => {
      if (!wasHeld) return;
      wasHeld = false;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
  return () => {
    leave();
    listen.abort();
  };
}
