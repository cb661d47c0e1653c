/**
 * Heights of a long list's rows with fast sums (a Fenwick tree): where does row `i` begin, which row is at offset `y`, both in O(log n).
 * Rows that were never measured count with an estimate. Pixels.
 */
export class Heights {
  #values: Float64Array = new Float64Array(0);
  #tree: Float64Array = new Float64Array(1);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get total(): number {
    return this.before(this.#count);
  }

  /** Starts over with these heights. O(n). */
  fill(heights: ArrayLike<number>): void {
    this.#count = heights.length;
    this.#reserve(this.#count);
    this.#tree.fill(0);
    for (let i = 0; i < this.#count; i++) {
      const value = heights[i] ?? 0;
      this.#values[i] = value;
      const node = i + 1;
      this.#tree[node] = (this.#tree[node] ?? 0) + value;
      const up = node + (node & -node);
      if (up <= this.#count) this.#tree[up] = (this.#tree[up] ?? 0) + (this.#tree[node] ?? 0);
    }
  }

  at(index: number): number {
    return index < this.#count ? (this.#values[index] ?? 0) : 0;
  }

  /** Changes one height; returns by how much. */
  set(index: number, height: number): number {
    if (index < 0 || index >= this.#count) return 0;
    const change = height - (this.#values[index] ?? 0);
    if (change === 0) return 0;
    this.#values[index] = height;
    for (let node = index + 1; node <= this.#count; node += node & -node) this.#tree[node] = (this.#tree[node] ?? 0) + change;
    return change;
  }

  /** Sum of the heights of the rows before `index`: where it begins. */
  before(index: number): number {
    let sum = 0;
    for (let node = Math.min(index, this.#count); node > 0; node -= node & -node) sum += this.#tree[node] ?? 0;
    return sum;
  }

  /** The row at that offset; the last one when it is beyond the end, 0 when it is before the start. */
  find(offset: number): number {
    if (this.#count === 0 || offset <= 0) return 0;
    let node = 0;
    let rest = offset;
    for (let step = 1 << (31 - Math.clz32(this.#count)); step > 0; step >>= 1) {
      const next = node + step;
      if (next <= this.#count && (this.#tree[next] ?? 0) <= rest) {
        node = next;
        rest -= this.#tree[next] ?? 0;
      }
    }
    return Math.min(node, this.#count - 1);
  }

  #reserve(count: number): void {
    if (this.#values.length >= count) return;
    const size = Math.max(256, count * 2);
    this.#values = new Float64Array(size);
    this.#tree = new Float64Array(size + 1);
  }
}
