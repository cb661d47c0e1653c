import { Limits } from "../protocol/generated";

/** Pictures that models are shown. No SVG: it can hold code. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** By a type that was looked at, not by a name. */
export function isPicture(mediaType: string): boolean {
  return PICTURES.includes(mediaType);
}

/**
 * What is sent of a file that a person chose: a photograph anew, which takes its place and device out and makes it as large as models look at; anything else as it is.
 * Null: a picture that no model takes and that can't be made smaller here.
 */
export async function prepared(file: File): Promise<{ readonly blob: Blob; readonly name: string } | null> {
  const asIs = { blob: file, name: file.name };
  const photo = file.type === "image/jpeg" || file.type === "image/heic" || file.type === "image/heif";
  const large = file.size > Limits.imageBytes;
  if (!photo && !(large && isPicture(file.type))) return asIs;
  if (file.type === "image/gif") return null; // it moves: drawn, it would not
  const { draw } = await import("./drawing");
  const drawn = await draw(file);
  if (drawn) return drawn.size <= Limits.imageBytes ? { blob: drawn, name: file.name.replace(/\.[^.]*$/, "") + ".jpg" } : null;
  return large && isPicture(file.type) ? null : asIs; // a format that this browser can't draw is a file like any other
}
