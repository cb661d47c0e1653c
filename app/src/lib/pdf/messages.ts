/** What the page asks the worker that reads a PDF, one after the other. */
export type Asked = { readonly open: Uint8Array<ArrayBuffer> } | { readonly page: number; readonly width: number };

/** What it answers. `picture` is a PNG that was drawn here: none of the file's own bytes. */
export type Answered =
  | { readonly pages: number }
  | { readonly picture: Uint8Array<ArrayBuffer>; readonly text: string }
  | { readonly failed: "password" | "damaged" };
