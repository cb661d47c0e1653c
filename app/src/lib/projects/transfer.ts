/** How much of one of git's steps is done, out of its own words (`Writing objects:  50% (1/2), 3 KiB`); null when they tell no part. */
export function percentOf(said: string): number | null {
  const found = /(?:^|[\s:])(\d{1,3})%/.exec(said);
  const percent = found ? Number(found[1]) : Number.NaN;
  return percent <= 100 ? percent : null;
}
