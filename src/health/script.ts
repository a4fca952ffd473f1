import type { CheckStep } from "../config/schema.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

/** A step of a tcp-check, ready to run. `number` counts as HAProxy does: from 1, and 0 is the connect nobody wrote. */
export type ScriptStep =
  | { readonly kind: "connect"; readonly number: number; readonly port: number | null; readonly comment: string | null }
  | { readonly kind: "send"; readonly number: number; readonly bytes: Uint8Array; readonly comment: string | null }
  | {
      readonly kind: "expect";
      readonly number: number;
      readonly pattern: Pattern;
      readonly negate: boolean;
      /** 0: none. */
      readonly minRecv: number;
      readonly comment: string | null;
    };

/** A whole check; never empty, and a connect comes first. */
export interface Script {
  readonly steps: readonly ScriptStep[];
  /** Nothing but a connect that nobody wrote: what HAProxy calls a layer 4 check. */
  readonly plain: boolean;
}

/** Prepares configured steps; no steps make a plain connect. Throws SyntaxError for a regex that does not compile. */
export function compileScript(steps: readonly CheckStep[]): Script {
  const written = steps.map((step, i) => compileStep(step, i + 1));
  const implicit: ScriptStep[] =
    written[0]?.kind === "connect" ? [] : [{ kind: "connect", number: 0, port: null, comment: null }];
  return { steps: [...implicit, ...written], plain: steps.length === 0 };
}

function compileStep(step: CheckStep, number: number): ScriptStep {
  const { comment } = step;
  switch (step.kind) {
    case "connect":
      return { kind: "connect", number, port: step.port, comment };
    case "send":
      return { kind: "send", number, bytes: Buffer.from(step.dataHex, "hex"), comment };
    case "expect":
      return {
        kind: "expect",
        number,
        pattern: compilePattern(step),
        negate: step.negate,
        minRecv: step.minRecv,
        comment,
      };
  }
}

/**
 * " at step 2 of tcp-check (expect string 'PONG') comment: 'ping'": where a check stood when its time was over or its
 * connection failed. HAProxy's words, leading blank included; empty for a plain connect.
 */
export function whereText(script: Script, step: ScriptStep): string {
  if (script.plain) return "";
  if (step.number === 0) return " at initial connection step of tcp-check";
  return ` at step ${step.number} of tcp-check (${doing(step)})${quotedComment(step)}`;
}

/** What a step does, in HAProxy's words: "connect port 25", "send", "expect string 'PONG'". */
export function doing(step: ScriptStep): string {
  switch (step.kind) {
    case "connect":
      return step.port === null ? "connect" : `connect port ${step.port}`;
    case "send":
      return "send";
    case "expect":
      return `expect ${step.pattern.awaited}`;
  }
}

/** Why an answer was refused, in HAProxy's words. */
export function mismatchText(step: Extract<ScriptStep, { kind: "expect" }>): string {
  const verdict = step.negate ? "matched unwanted content" : "did not match content";
  const comment = step.comment === null ? "" : ` comment: ${step.comment}`;
  return `TCPCHK ${verdict} ${step.pattern.content} at step ${step.number}${comment}`;
}

/** The peer closed without an answer, in HAProxy's words. */
export function emptyText(step: ScriptStep): string {
  return `TCPCHK got an empty response at step ${step.number}${quotedComment(step)}`;
}

function quotedComment({ comment }: ScriptStep): string {
  return comment === null ? "" : ` comment: '${comment}'`;
}
