import { fromBase64 } from "$lib/client/ranges";
import { folderOf, join, nameOf } from "$lib/projects/paths";
import type { ApprovalSubject, ErrorCode, FsEntry, FsMatch, FsTrashItem, Requests } from "$lib/protocol/generated";
import { etagOf, type MockTree } from "./mock-tree";

export type Refuse = (code: ErrorCode, details?: Record<string, string>) => never;
/** Makes an approval; `done` is what allowing it does. */
export type Ask = (subject: ApprovalSubject, done?: () => void) => string;
export type Some<T extends keyof Requests> = { [K in T]: (request: Requests[K]["request"]) => Requests[K]["response"] };
type Types = Extract<keyof Requests, `fs_${string}`>;

/** The files of a project, as the real machine answers about them, on a tree in memory. */
export function fileAnswers(tree: MockTree, refuse: Refuse, ask: Ask, allowed: (approvalId: string) => boolean): Some<Types> {
  const trash: (FsTrashItem & { content: string })[] = [];
  const uploads = new Map<string, { path: string; bytes: number; got: Uint8Array<ArrayBuffer>; ifNoneMatch: boolean }>();
  const folder = (path: string): boolean =>
    path === "" || tree.folders.has(path) || [...tree.work.keys()].some((other) => other.startsWith(`${path}/`));
  const raw = (path: string): Uint8Array<ArrayBuffer> => {
    const file = tree.work.get(path);
    if (!file) return refuse(folder(path) ? "IS_A_DIRECTORY" : "FILE_NOT_FOUND");
    return file.base64 ? fromBase64(file.content) : new TextEncoder().encode(file.content);
  };
  const entry = (path: string): FsEntry => {
    const file = tree.work.get(path);
    if (!file && !folder(path)) return refuse("FILE_NOT_FOUND");
    return {
      name: nameOf(path),
      path,
      kind: file ? "file" : "dir",
      size: file ? raw(path).length : 4096,
      mtime: file?.mtime ?? new Date(Date.now() - 3_600_000).toISOString(),
      ignored: tree.ignored(path),
      gitStatus: file ? tree.letters(path) : null,
      secret: nameOf(path).startsWith(".env"),
      target: null,
    };
  };
  const mayRead = (path: string, approvalId: string | null | undefined): void => {
    if (!nameOf(path).startsWith(".env") || (approvalId && allowed(approvalId))) return;
    refuse("APPROVAL_REQUIRED", {
      approvalId: ask({ kind: "file", operation: "read", path, why: "Files of this name often hold secrets.", to: null, bytes: null }),
    });
  };
  const expect = (path: string, expected: string | null | undefined, none: boolean | undefined): void => {
    const now = tree.work.get(path);
    if (none && now) refuse("FILE_EXISTS", { etag: etagOf(now.content) });
    if (expected && (!now || etagOf(now.content) !== expected)) refuse("CONFLICT", now ? { etag: etagOf(now.content) } : {});
  };
  const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return {
    fs_list: ({ path = "", cursor, limit = 10_000 }) => {
      if (!folder(path)) refuse("FILE_NOT_FOUND");
      const start = path === "" ? "" : `${path}/`;
      const names = new Set(
        [...tree.work.keys(), ...tree.folders]
          .filter((other) => other.startsWith(start) && other !== path)
          .map((other) => other.slice(start.length).split("/")[0] ?? ""),
      );
      const all = [...names]
        .map((name) => entry(join(path, name)))
        .sort((a, b) => (a.kind === b.kind ? (a.name < b.name ? -1 : 1) : a.kind === "dir" ? -1 : 1));
      const from = Number(cursor ?? 0);
      return {
        path,
        children: all.slice(from, from + limit),
        truncated: all.length > from + limit,
        cursor: all.length > from + limit ? String(from + limit) : null,
      };
    },
    fs_stat: ({ path, etag }) => ({
      entry: entry(path),
      mode: "0644",
      links: 1,
      linkTarget: null,
      etag: etag && tree.work.has(path) ? etagOf(tree.work.get(path)?.content ?? "") : null,
    }),
    fs_read: ({ path, approvalId }) => {
      mayRead(path, approvalId);
      const bytes = raw(path);
      const file = tree.work.get(path)!;
      return {
        path,
        content: file.content,
        encoding: file.base64 ? "base64" : "utf8",
        offset: 0,
        nextOffset: null,
        bytes: bytes.length,
        etag: etagOf(file.content),
        mtime: file.mtime,
      };
    },
    fs_write: ({ path, content, expectedEtag, ifNoneMatch }) => {
      expect(path, expectedEtag, ifNoneMatch);
      const created = !tree.work.has(path);
      tree.write(path, content);
      return { success: true, path, etag: etagOf(content), bytes: content.length, created };
    },
    fs_mkdir: ({ path }) => {
      const created = !folder(path);
      tree.folders.add(path);
      return { success: true, path, created };
    },
    fs_move: ({ from, to }) => {
      const file = tree.work.get(from);
      if (tree.work.has(to) || folder(to)) refuse("FILE_EXISTS");
      if (file) {
        tree.work.delete(from);
        tree.work.set(to, file);
      } else if (!folder(from)) refuse("FILE_NOT_FOUND");
      return { success: true, path: to };
    },
    fs_delete: ({ path }) => {
      const { kind, size } = entry(path);
      const item = {
        trashId: `trash-${trash.length}`,
        path,
        kind,
        bytes: size,
        entries: 1,
        deletedAt: new Date().toISOString(),
        by: "Pixel",
      };
      trash.unshift({ ...item, content: tree.work.get(path)?.content ?? "" });
      tree.work.delete(path);
      tree.folders.delete(path);
      return { success: true, item };
    },
    fs_trash_list: () => ({ items: trash, truncated: false }),
    fs_restore: ({ trashId }) => {
      const at = trash.findIndex((item) => item.trashId === trashId);
      const [item] = at < 0 ? [] : trash.splice(at, 1);
      if (!item) return refuse("FILE_NOT_FOUND");
      if (item.kind === "dir") tree.folders.add(item.path);
      else tree.write(item.path, item.content);
      return { success: true, path: item.path };
    },
    fs_search: ({ query, target = "content", path = "", caseSensitive }) => {
      const matches: FsMatch[] = [];
      const want = caseSensitive ? query : query.toLowerCase();
      for (const [name, file] of tree.work) {
        if (!name.startsWith(path === "" ? "" : `${path}/`) || tree.ignored(name)) continue;
        const lines = target === "names" ? [name] : file.base64 ? [] : file.content.split("\n");
        lines.forEach((text, line) => {
          const start = (caseSensitive ? text : text.toLowerCase()).indexOf(want);
          if (start >= 0)
            matches.push({ path: name, kind: "file", line: target === "names" ? null : line + 1, text, start, length: query.length });
        });
      }
      return { matches, end: "complete", files: tree.work.size, engine: "own" };
    },
    fs_upload_begin: ({ uploadId, path, bytes, ifNoneMatch }) => {
      const upload = uploads.get(uploadId) ?? { path, bytes, got: new Uint8Array(), ifNoneMatch: ifNoneMatch ?? false };
      uploads.set(uploadId, upload);
      return { uploadId, offset: upload.got.length };
    },
    fs_upload_chunk: ({ uploadId, offset, data }) => {
      const upload = uploads.get(uploadId) ?? refuse("FILE_NOT_FOUND");
      const piece = fromBase64(data);
      const got = new Uint8Array(Math.max(upload.got.length, offset + piece.length));
      got.set(upload.got);
      got.set(piece, offset);
      upload.got = got;
      return { uploadId, offset: got.length };
    },
    fs_upload_end: ({ uploadId }) => {
      const upload = uploads.get(uploadId) ?? refuse("FILE_NOT_FOUND");
      expect(upload.path, null, upload.ifNoneMatch);
      const created = !tree.work.has(upload.path);
      tree.write(upload.path, base64(upload.got), true);
      return { success: true, path: upload.path, etag: etagOf(base64(upload.got)), bytes: upload.bytes, created };
    },
    fs_upload_discard: ({ uploadId }) => ({ discarded: uploads.delete(uploadId) }),
    fs_download_begin: ({ path, approvalId }) => {
      mayRead(path, approvalId);
      return {
        path,
        name: nameOf(path),
        bytes: raw(path).length,
        version: etagOf(tree.work.get(path)?.content ?? ""),
        mediaType: "text/plain",
        mtime: tree.work.get(path)?.mtime ?? "",
      };
    },
    fs_download_chunk: ({ path, offset, limit = 524_288 }) => {
      const bytes = raw(path);
      return {
        offset,
        data: base64(bytes.subarray(offset, offset + limit)),
        nextOffset: offset + limit < bytes.length ? offset + limit : null,
      };
    },
    fs_download_end: ({ path }) => ({ sha256: digests.get(folderOf(path) + path) ?? "", bytes: raw(path).length }),
  };
}

/** Real digests are made asynchronously, answers are not; what a test downloads it announces here. */
export const digests = new Map<string, string>();
