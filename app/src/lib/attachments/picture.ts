import { Limits } from "../protocol/generated";

/** Pictures that models are shown. No SVG: it can hold code. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** More than models look at; the machine's copy need not be larger. */
const LONGEST_SIDE = 2048;

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
  const drawn = await draw(file);
  if (drawn) return drawn.size <= Limits.imageBytes ? { blob: drawn, name: file.name.replace(/\.[^.]*$/, "") + ".jpg" } : null;
  return large && isPicture(file.type) ? null : asIs; // a format that this browser can't draw is a file like any other
}

async function draw(file: File): Promise<Blob | null> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null; // not a picture that this browser knows
  }
  try {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext("2d");
    if (!context) return null;
    context.fillStyle = "#fff"; // what is transparent would be black
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.88));
  } finally {
    bitmap.close();
  }
}
