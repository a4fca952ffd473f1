import { join } from "node:path";
import { atEnd } from "./cleanup.ts";
import { ROOT } from "./process.ts";
import { tool } from "./tools.ts";
import { until } from "./until.ts";

/** What a terminal shows, and how it stands. */
export interface Screen {
  /** Top to bottom, without blanks at the right. */
  lines: string[];
  /** Rows that begin in reverse video, 0 the topmost. */
  reversed: number[];
  /** Foreground colours in use. */
  colours: string[];
  alternate: boolean;
  cursorHidden: boolean;
  /** Long lines go on in the next row. */
  wraps: boolean;
  /** The terminal's modes (as `stty -a` shows them) are what they were before the program ran. */
  modesAsBefore: boolean;
  raw: boolean;
  /** Of the program. */
  pid: number;
  /** Exit status, or minus the signal; null: it runs. */
  exit: number | null;
}

/** A program on a terminal of its own, which an emulator (pyte) reads. Killed when the test ends. */
export interface TerminalSession {
  look(): Promise<Screen>;
  /** Keys, as a terminal sends them. */
  type(text: string): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** The terminal takes no more output, or does again. */
  freeze(on: boolean): Promise<void>;
  /** The terminal goes away. */
  hangUp(): Promise<void>;
  /** Waits until the screen is as `wanted` says; fails with the whole screen. */
  until(what: string, wanted: (screen: Screen) => boolean, timeoutMs?: number): Promise<Screen>;
  /** Waits until the screen has this text. */
  shows(text: string | RegExp, timeoutMs?: number): Promise<Screen>;
}

/** Null after a record of what is missing, when this machine has no terminal emulator for tests. */
export const TERMINAL = tool("pyte") === null ? null : join(ROOT, "test/support/terminal.py");

/** Runs a command on a terminal of that size. */
export function openTerminal(
  command: readonly string[],
  {
    columns = 100,
    rows = 30,
    env = {},
  }: { columns?: number; rows?: number; env?: Record<string, string | undefined> } = {},
): TerminalSession {
  const child = Bun.spawn(["/usr/bin/python3", TERMINAL ?? "", String(columns), String(rows), ...command], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: {
      ...process.env,
      BUN_FEATURE_FLAG_NO_ORPHANS: undefined,
      NO_COLOR: undefined,
      TERM: "xterm-256color",
      LC_ALL: "C.UTF-8",
      ...env,
    },
  });
  atEnd(async () => {
    await child.stdin.end();
    await child.exited;
  });
  const answers = linesOf(child.stdout);
  let last = Promise.resolve<unknown>(null);
  const order = (what: object): Promise<Screen> => {
    const answered = last.then(async () => {
      child.stdin.write(`${JSON.stringify(what)}\n`);
      await child.stdin.flush();
      const { value } = await answers.next();
      if (value === undefined) throw new Error("the terminal has ended");
      return JSON.parse(value) as Screen;
    });
    last = answered.catch(() => null);
    return answered;
  };
  const look = (): Promise<Screen> => order({ do: "look" });
  const session: TerminalSession = {
    look,
    type: async (text) => void (await order({ do: "type", text })),
    resize: async (columns, rows) => void (await order({ do: "resize", columns, rows })),
    freeze: async (on) => void (await order({ do: "freeze", on })),
    hangUp: async () => void (await order({ do: "hangUp" })),
    async until(what, wanted, timeoutMs = 10_000) {
      let seen: Screen | null = null;
      const isThere = async (): Promise<Screen | null> => {
        seen = await look();
        return wanted(seen) ? seen : null;
      };
      return await until(what, isThere, { timeoutMs, everyMs: 30 }).catch((cause: unknown) => {
        throw new Error(`never ${what}:\n${story(seen)}`, { cause });
      });
    },
    shows: (text, timeoutMs) =>
      session.until(
        `showing ${text}`,
        ({ lines }) => (typeof text === "string" ? lines.join("\n").includes(text) : text.test(lines.join("\n"))),
        timeoutMs,
      ),
  };
  return session;
}

function story(seen: Screen | null): string {
  if (seen === null) return "it never answered";
  const { lines, ...rest } = seen;
  return `${lines.join("\n")}\n${JSON.stringify(rest)}`;
}

async function* linesOf(from: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of from) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
