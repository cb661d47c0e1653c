import type { CommandMark, MarkKind } from "../protocol/generated";
import type { Piece } from "./escape";

/** A piece of a command with what the machine took it for; null: nothing in particular. */
export interface MarkedPiece {
  readonly piece: Piece;
  readonly mark: MarkKind | null;
}

/**
 * Cuts the pieces of a text where marks begin and end. Nothing is removed or put in another order: the pieces' `raw`, joined, stay the text. A chip keeps the mark
 * that it begins in. Marks that overlap or lie outside of the text are of another text: then nothing is marked.
 */
export function markPieces(pieces: readonly Piece[], marks: readonly CommandMark[]): MarkedPiece[] {
  const length = pieces.reduce((sum, piece) => sum + piece.raw.length, 0);
  let end = 0;
  for (const mark of marks) {
    if (mark.start < end || mark.length < 1 || mark.start + mark.length > length) return pieces.map((piece) => ({ piece, mark: null }));
    end = mark.start + mark.length;
  }

  const cut: MarkedPiece[] = [];
  let at = 0; // where the piece begins in the text
  let next = 0; // the first mark that ends behind `at`
  for (const piece of pieces) {
    const behind = at + piece.raw.length;
    let from = at;
    while (from < behind) {
      while ((marks[next]?.start ?? Infinity) + (marks[next]?.length ?? 0) <= from) next++;
      const mark = marks[next];
      const inside = mark !== undefined && mark.start <= from;
      const to = piece.kind === "chip" ? behind : Math.min(behind, inside ? mark.start + mark.length : (mark?.start ?? behind));
      const raw = piece.raw.slice(from - at, to - at);
      cut.push({ piece: piece.kind === "chip" ? piece : { kind: "text", raw }, mark: inside ? mark.kind : null });
      from = to;
    }
    at = behind;
  }
  return cut;
}
