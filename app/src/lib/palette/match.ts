/** How well a title answers what was typed; higher is better, null: not at all. Every letter must come, in order; whole words and beginnings of words count most. */
export function match(query: string, title: string): number | null {
  const wanted = query.trim().toLowerCase();
  const text = title.toLowerCase();
  if (wanted === "") return 0;
  const whole = text.indexOf(wanted);
  if (whole >= 0) return 1000 - whole + (begins(text, whole) ? 500 : 0) - text.length / 100;
  let score = 0;
  let at = 0;
  for (const letter of wanted) {
    if (letter === " ") continue;
    const next = text.indexOf(letter, at);
    if (next < 0) return null;
    score += begins(text, next) ? 12 : next === at && at > 0 ? 6 : 1;
    at = next + letter.length;
  }
  return score - text.length / 100;
}

/** The best answers first; those that are as good keep their order. */
export function ranked<T>(query: string, all: readonly T[], title: (one: T) => string, limit: number): T[] {
  return all
    .flatMap((one, order) => {
      const score = match(query, title(one));
      return score === null ? [] : [{ one, order, score }];
    })
    .sort((a, b) => b.score - a.score || a.order - b.order)
    .slice(0, limit)
    .map(({ one }) => one);
}

function begins(text: string, at: number): boolean {
  return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? "");
}
