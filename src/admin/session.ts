import type { AdminLevel } from "./command.ts";

/** What becomes of the severity of messages: nothing, or a mark before their text, "[3]: " or "[err]: ". */
export type SeverityOutput = "none" | "number" | "string";

/** How one client talks with us, which commands of its own may change. */
export class AdminSession {
  /** Keeps the connection open between lines, and shows "> " when it waits for one. */
  prompt = false;
  severityOutput: SeverityOutput = "none";
  /** Longest silence of the client; null: the server's usual one. */
  idleMs: number | null = null;
  /** It has said `quit`: whatever came behind that is not run. */
  left = false;

  constructor(public level: AdminLevel = "admin") {}
}
