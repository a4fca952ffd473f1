import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { referenceMarkdown } from "../../src/config/reference.ts";

/** The README, whose configuration reference is generated. */
export const README = join(import.meta.dir, "../../README.md");

const BLOCK = /(<!-- reference: begin[^>]*-->\n)([\s\S]*?)(<!-- reference: end -->)/;

/** The README's text with the reference as the schema has it now. */
export function withReference(readme: string): string {
  if (!BLOCK.test(readme)) throw new Error("README.md has no place for the reference");
  return readme.replace(BLOCK, (_, begin: string, __, end: string) => `${begin}\n${referenceMarkdown()}\n${end}`);
}

// `npm run docs`
if (import.meta.main) writeFileSync(README, withReference(readFileSync(README, "utf8")));
