import { referenceMarkdown } from "../../config/reference.ts";
import { CONFIG } from "../paths.ts";
import { configFile } from "./configFile.ts";
import { argument, MANUAL_DATE, plain, sentences } from "./mdoc.ts";

/** The manual page haproxy-lite.toml(5), mdoc(7): the reference of every key, as the schema has it. */
export function manConfig(): string {
  return `.Dd ${MANUAL_DATE}
.Dt HAPROXY-LITE.TOML 5
.Os
.Sh NAME
.Nm haproxy-lite.toml
.Nd configuration of haproxy-lite
.Sh DESCRIPTION
The file is TOML.
Durations are strings with a unit:
.Dq 5s ,
.Dq 200ms ,
.Dq 1m .
A key that is not known is an error.
.Ql haproxy-lite check -c FILE
names every problem of a file at once.
${sections(referenceMarkdown())}
.Sh FILES
.Bl -tag -width Ds
.It Pa ${CONFIG}
The configuration of the service.
.El
.Sh EXAMPLES
.Bd -literal
${configFile().trimEnd().split("\n").map(plain).join("\n")}
.Ed
.Sh SEE ALSO
.Xr haproxy-lite 8
`;
}

/** The reference is Markdown: a heading, a sentence, and a table of key, values, default and meaning for each table of the file. */
function sections(markdown: string): string {
  return markdown
    .split(/^### /m)
    .filter((part) => part.trim() !== "")
    .map(section)
    .join("\n");
}

function section(markdown: string): string {
  const [title = "", ...lines] = markdown.trim().split("\n");
  const rows = lines.filter((line) => line.startsWith("| `"));
  const note = lines.filter((line) => line !== "" && !line.startsWith("|")).join(" ");
  const head = `.Ss ${argument(bare(title))}\n${sentences(bare(note))}`;
  return rows.length === 0 ? head : `${head}\n.Bl -tag -width Ds\n${rows.map(row).join("\n")}\n.El`;
}

function row(line: string): string {
  const [, key = "", values = "", fallback = "", meaning = ""] = line
    .split(/(?<!\\)\|/)
    .map((cell) => bare(cell.trim()));
  const facts = [values, fallback === "" || fallback === "required" ? fallback : `default ${fallback}`];
  return [
    `.It Ic ${argument(key)}`,
    sentences(meaning),
    `(${facts
      .filter((fact) => fact !== "")
      .map(plain)
      .join("; ")})`,
  ].join("\n");
}

/** Without what Markdown needs. */
function bare(markdown: string): string {
  return markdown.replaceAll("`", "").replace(/\\([|*_[\]<>])/g, "$1");
}
