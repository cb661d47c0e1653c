import { extension, IMAGES } from "./paths";

/** A page with nothing but the picture, for a sealed frame: what decodes it there has no origin to lose. The size comes from attributes, since the policy forbids styles. `percent`: of the frame's width. */
export function pictureFrame(content: Uint8Array, path: string, label: string, percent = 100): string {
  const ending = extension(path);
  const type = ending === "svg" ? "image/svg+xml" : (IMAGES[ending] ?? "application/octet-stream");
  let raw = "";
  for (let at = 0; at < content.length; at += 0x8000) raw += String.fromCharCode(...content.subarray(at, at + 0x8000));
  const named = label.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  return [
    "<!doctype html><html lang=en><title>",
    named,
    `</title><table width=${percent}% height=100%><tr><td align=center valign=middle><`,
    `img alt="${named}" src="data:${type};base64,${btoa(raw)}" width=100%>`,
    "</table>",
  ].join("");
}
