import { a } from "$lib/strings/account";

/** How many machines somebody may meet, in words. Null: all. */
export function reach(machines: readonly string[] | null): string {
  if (machines === null) return a.me.all;
  return machines.length === 0 ? a.me.none : a.me.some(machines.length);
}
