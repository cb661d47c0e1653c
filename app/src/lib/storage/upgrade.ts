const HEAD = "ledger-head/";

/**
 * Moves what was kept for the one machine of before to where a machine's own rows are. A message on its way and a remembered ledger head name their machine
 * themselves; the rest is of the machine that was paired, `before`. What belongs to no machine (none is paired) could never be read again and goes.
 */
export function byMachine(transaction: IDBTransaction, stores: readonly string[], before: string | null): void {
  for (const store of stores) {
    const objects = transaction.objectStore(store);
    // Only bare keys: what is moved has an array for a key, which sorts after every text.
    const walk = objects.openCursor(IDBKeyRange.upperBound([], true));
    walk.onsuccess = () => {
      const cursor = walk.result;
      if (!cursor) return;
      const place = typeof cursor.key === "string" ? placeOf(store, cursor.key, cursor.value, before) : null;
      if (place) objects.put(cursor.value, place);
      cursor.delete();
      cursor.continue();
    };
  }
}

function placeOf(store: string, key: string, value: unknown, before: string | null): [string, string] | null {
  if (store === "values" && key.startsWith(HEAD)) return [key.slice(HEAD.length), "ledger-head"];
  const named = store === "outbox" && typeof value === "object" && value !== null && "machineId" in value ? value.machineId : before;
  return typeof named === "string" ? [named, key] : null;
}
