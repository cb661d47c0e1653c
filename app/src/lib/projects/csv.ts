/** Rows of comma- or tab-separated text as RFC 4180 has them (quotes double, line ends within quotes), at most `limit`. One linear pass; broken quoting never throws. */
export function parseCsv(text: string, separator: string, limit: number): { readonly rows: string[][]; readonly cut: boolean } {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text.charAt(at + 1) === '"') {
        cell += '"';
        at++;
      } else quoted = false;
    } else if (char === '"' && cell === "") quoted = true;
    else if (char === separator) {
      row.push(cell);
      cell = "";
    } else if (char === "\n" || char === "\r") {
      if (char === "\r" && text.charAt(at + 1) === "\n") at++;
      rows.push([...row, cell]);
      row = [];
      cell = "";
      if (rows.length >= limit) return { rows, cut: at + 1 < text.length };
    } else cell += char;
  }
  if (cell !== "" || row.length > 0) rows.push([...row, cell]);
  return { rows, cut: false };
}
