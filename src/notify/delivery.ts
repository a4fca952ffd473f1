import type { Mail } from "./mailText.ts";

/** A recipient that the server did not take. */
export interface Refusal {
  readonly recipient: string;
  /** The server's words. */
  readonly answer: string;
  /** True: for good (5xx); false: it may take the mail later (4xx, greylisting). */
  readonly permanent: boolean;
}

/** How one attempt at a mail ended. */
export type Outcome =
  /** The server has it, for everybody but the refused. */
  | { readonly kind: "accepted"; readonly refused: readonly Refusal[] }
  /** The server does not want this mail, now or later. */
  | { readonly kind: "refused"; readonly answer: string }
  /** The server could not be reached, or asked to come again. */
  | { readonly kind: "failed"; readonly reason: string };

/** A way to deliver mails. */
export interface Courier {
  /** Names the server for people: "127.0.0.1:25". */
  readonly server: string;
  /** Everybody who gets mail. */
  readonly recipients: readonly string[];
  /** One attempt; never rejects, and ends in bounded time, or soon after `signal` is aborted. */
  deliver(mail: Mail, to: readonly string[], signal: AbortSignal): Promise<Outcome>;
}
