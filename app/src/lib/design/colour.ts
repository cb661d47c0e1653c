/**
 * What a colour of the tokens is now, as #rrggbb: for what paints by itself (a terminal) and takes no variables. A token's own text is of no use to it: it names
 * both themes. Empty where the page has no such token, or it is not opaque.
 */
export function colour(token: string, root: HTMLElement = document.documentElement): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${token})`;
  root.append(probe);
  const [, red, green, blue] = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(getComputedStyle(probe).color) ?? [];
  probe.remove();
  if (red === undefined || green === undefined || blue === undefined) return "";
  return `#${[red, green, blue].map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`;
}
