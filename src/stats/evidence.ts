import type { CheckEvidence, Excerpt } from "../core/checkEvidence.ts";

/** In a sentence, so much of what was sent or received is quoted. */
const QUOTED = 80;

/**
 * What a check did and saw, short enough for a line: `at 192.0.2.11:4900, step 2 of 2 (expect string 'PONG'): sent 6 bytes
 * "PING\r\n", received 5 bytes "+OK\r\n"`.
 */
export function evidenceSentence(evidence: CheckEvidence): string {
  const said = [
    ...(evidence.errno === null ? [] : [evidence.errno.name]),
    ...(evidence.sent === null ? [] : [`sent ${excerptText(evidence.sent, QUOTED)}`]),
    ...receivedText(evidence, QUOTED),
  ];
  return `at ${evidence.target}${stepText(evidence)}${said.length === 0 ? "" : `: ${said.join(", ")}`}`;
}

/** ", step 2 of 3 (expect string 'PONG')"; "" for a plain connect. */
export function stepText({ step: { number, of, doing } }: CheckEvidence): string {
  if (of === 0) return "";
  return number === 0 ? ", connecting" : `, step ${number} of ${of} (${doing})`;
}

/** What came, or that nothing did where something was waited for. */
function receivedText({ received, sent, errno, step }: CheckEvidence, most: number): string[] {
  if (received !== null) return [`received ${excerptText(received, most)}`];
  const waited = sent !== null || step.doing.startsWith("expect");
  return waited && errno === null ? ["received nothing"] : [];
}

/** `6 bytes "PING\r\n"`, cut with an ellipsis. */
export function excerptText({ bytes, text }: Excerpt, most = Number.POSITIVE_INFINITY): string {
  const shown = text.slice(0, most);
  // Of escaped text, an end in the middle of an escape is shown as it is: what was cut says so.
  const more = shown.length < text.length || bytes > lengthOf(text) ? "…" : "";
  return `${bytes} byte${bytes === 1 ? "" : "s"} "${shown}${more}"`;
}

/** Bytes that an escaped text stands for. */
function lengthOf(escaped: string): number {
  return escaped.replace(/\\(x[0-9a-f]{2}|.)/g, "?").length;
}
