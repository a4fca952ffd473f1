import { described, jsonBefore, onOneLine, type Tag } from "./field.ts";
import { INFO_FIELDS, type InfoField } from "./infoFields.ts";
import type { Snapshot } from "./snapshot.ts";

/** How `show info` is to be written. */
export interface InfoForm {
  readonly form: "text" | "typed" | "json";
  /** With what each value says; not in JSON. */
  readonly desc: boolean;
  /** Times with their decimals. */
  readonly float: boolean;
}

export const PLAIN_INFO: InfoForm = { form: "text", desc: false, float: false };

/** `show info`. */
export function formatInfo(snapshot: Snapshot, { form, desc, float }: InfoForm = PLAIN_INFO): string {
  const lines: string[] = [];
  for (const field of INFO_FIELDS) {
    const found = read(field, snapshot, float);
    if (found === null) continue;
    const { pos, name } = field;
    const about = desc ? described(field) : "";
    if (form === "json") lines.push(`{${jsonBefore(field, found.tag)}${JSON.stringify(found.value)}}}`);
    else if (form === "typed") lines.push(`${pos}.${name}.1:${found.tag}:${onOneLine(found.value)}${about}\n`);
    else lines.push(`${name}: ${onOneLine(found.value)}${about}\n`);
  }
  return form === "json" ? `[${lines.join(",")}]\n` : lines.join("");
}

function read(field: InfoField, snapshot: Snapshot, float: boolean): { tag: Tag; value: string | number } | null {
  const { source, precise, tag } = field;
  if (float && precise !== null) return { tag: tag.replace(/:.*/, ":flt") as Tag, value: precise(snapshot) };
  const value = typeof source === "function" ? source(snapshot) : source;
  return value === null ? null : { tag, value };
}
