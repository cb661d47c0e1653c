export interface Failure<T> {
  readonly of: T;
  readonly why: unknown;
}

/** How many requests are under way at once. */
const SIDE_BY_SIDE = 4;

/** Does something to each, each by a request of its own; what fails keeps none of the others from being done. Returns what failed, in the order of the list. */
export async function each<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<Failure<T>[]> {
  const failed = new Map<T, unknown>();
  const left = [...items];
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      try {
        await act(item);
      } catch (error) {
        failed.set(item, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, items.length) }, work));
  return items.filter((of) => failed.has(of)).map((of) => ({ of, why: failed.get(of) }));
}
