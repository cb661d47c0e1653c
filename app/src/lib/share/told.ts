/** `1`: something is there to be taken. `failed`: it could not be kept. `missed`: the worker was not there yet, so it went nowhere. */
export type SharedTold = "1" | "failed" | "missed";

/** What the address says of something shared. */
export function sharedTold(search: string = location.search): SharedTold | null {
  const told = new URLSearchParams(search).get("shared");
  return told === "1" || told === "failed" || told === "missed" ? told : null;
}

/** Takes it out of the address, so that a reload does not tell it again. */
export function forgetTold(): void {
  const url = new URL(location.href);
  url.searchParams.delete("shared");
  history.replaceState(history.state, "", url.pathname + url.search + url.hash);
}
