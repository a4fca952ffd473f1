/** A row of `show stat` by column name; "" where it has nothing. */
export type CsvRow = Readonly<Record<string, string>>;

/** The rows of an answer to `show stat`, as a client reads them: by the names in the header. */
export function parseCsv(text: string): CsvRow[] {
  const [header = "", ...lines] = text.trimEnd().split("\n");
  const columns = splitLine(header.replace(/^# /, ""));
  return lines.map((line) => {
    const cells = splitLine(line);
    if (cells.length !== columns.length)
      throw new Error(`${cells.length} cells below ${columns.length} columns: ${line}`);
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] as string]));
  });
}

/** Cells may be quoted, quotes in them doubled; a comma ends every line. */
function splitLine(line: string): string[] {
  const cells = [...line.matchAll(/("(?:[^"]|"")*"|[^,]*),/g)].map(([, cell = ""]) => cell);
  return cells.map((cell) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell));
}

/** A row's number. Throws when there is none. */
export function numberIn(row: CsvRow | undefined, column: string): number {
  const text = row?.[column] ?? "";
  if (!/^-?\d+$/.test(text)) throw new Error(`${row?.pxname}/${row?.svname} has no number in ${column}: "${text}"`);
  return Number(text);
}
