import { createHash } from "node:crypto";
import { PAGE_SCRIPT, PAGE_STYLE } from "../stats/page/assets.ts";

/**
 * What the status page may do (Content Security Policy): its own style and its own script and nothing else, whatever should
 * get into it; it speaks with us alone.
 */
export function pagePolicy(): string {
  return POLICY;
}

const POLICY = [
  "default-src 'none'",
  `style-src '${hash(PAGE_STYLE)}'`,
  `script-src '${hash(PAGE_SCRIPT)}'`,
  "connect-src 'self'",
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

function hash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
