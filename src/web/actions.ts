import { isIP } from "node:net";

/** What HAProxy's form says came of an action; it stands behind `;st=` in the address that follows. */
export type Outcome = "DONE" | "NONE" | "PART" | "ERRP" | "DENY" | "EXCD" | "UNKN";

/** What the page shows for each. */
export const OUTCOMES: Readonly<Record<Outcome, { readonly ok: boolean; readonly text: string }>> = {
  DONE: { ok: true, text: "Done." },
  NONE: { ok: false, text: "Nothing has changed: no server was selected." },
  PART: { ok: false, text: "Done for some of the servers only." },
  ERRP: { ok: false, text: "Nothing has changed: there is no such action, listen or server, or it refuses." },
  DENY: {
    ok: false,
    text: "Denied: the form was not one of this page, or too old. Nothing has changed; try again. (Without [stats] auth, servers are changed only from a page that was opened by address or by this host's own name.)",
  },
  EXCD: { ok: false, text: "Nothing has changed: too many servers at once." },
  UNKN: { ok: false, text: "It is not known what came of it." },
};

/** The notice for what an address says came of an action; null: it says nothing that is known. */
export function noticeOf(outcome: string | null): { readonly ok: boolean; readonly text: string } | null {
  return outcome !== null && Object.hasOwn(OUTCOMES, outcome) ? OUTCOMES[outcome as Outcome] : null;
}

/** The runtime API's command for each action of the form, about a server as "listen/name". */
const COMMANDS: Readonly<Record<string, (server: string) => readonly string[]>> = {
  ready: (server) => ["set", "server", server, "state", "ready"],
  drain: (server) => ["set", "server", server, "state", "drain"],
  maint: (server) => ["set", "server", server, "state", "maint"],
  shutdown: (server) => ["shutdown", "sessions", "server", server],
  dhlth: (server) => ["disable", "health", server],
  ehlth: (server) => ["enable", "health", server],
  hrunn: (server) => ["set", "server", server, "health", "up"],
  hnolb: (server) => ["set", "server", server, "health", "stopping"],
  hdown: (server) => ["set", "server", server, "health", "down"],
};

/** Most servers in one form: a body of the longest size has hardly more. */
const MAX_SERVERS = 1000;

/** What a form asks for: commands, or why there are none. */
export type Wish = { readonly commands: readonly (readonly string[])[] } | { readonly outcome: Outcome };

/**
 * Reads HAProxy's form: `s` is a server of the listen `b`, repeated, and `action` what is to become of them.
 * @param servers names of a listen's servers; null: there is no such listen
 */
export function readWish(form: URLSearchParams, servers: (listen: string) => readonly string[] | null): Wish {
  const action = form.get("action") ?? "";
  const listen = form.get("b") ?? "";
  const chosen = [...new Set(form.getAll("s"))];
  const command = Object.hasOwn(COMMANDS, action) ? COMMANDS[action] : undefined;
  if (chosen.length > MAX_SERVERS) return { outcome: "EXCD" };
  const known = servers(listen);
  if (command === undefined || known === null) return { outcome: "ERRP" };
  if (chosen.length === 0) return { outcome: "NONE" };
  // Words of ours only: what a form says must not become a word of a command.
  if (chosen.some((name) => !known.includes(name))) return { outcome: "ERRP" };
  return { commands: chosen.map((name) => command(`${listen}/${name}`)) };
}

/** What the answers to the commands come to: a command that has done as it was told says nothing. */
export function outcomeOf(answers: readonly string[]): Outcome {
  const done = answers.filter((answer) => answer.trim() === "").length;
  if (done === answers.length) return "DONE";
  return done === 0 ? "ERRP" : "PART";
}

/** The headers of a request that say where it comes from. */
export interface Origin {
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly host: string | undefined;
}

/**
 * Whether a name of the Host line can be nobody's but ours: an address, "localhost", or this host's own name. Where nobody
 * has to log in, another site whose name is made to point here (DNS rebinding) would otherwise be as good as the page.
 */
export function isOwnName(host: string | undefined, node: string): boolean {
  const name = (host ?? "").toLowerCase().replace(/:\d*$/, "");
  const own = node.toLowerCase();
  if (name === "localhost" || (name !== "" && (own === name || own.startsWith(`${name}.`)))) return true;
  return isIP(name.replace(/^\[|\]$/g, "")) !== 0;
}

/** Whether a browser says that another site has made it send this; who sends no such header is no browser of this decade. */
export function isForeign({ origin, fetchSite, host }: Origin): boolean {
  if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") return true;
  if (origin === undefined) return false;
  return !/^https?:\/\//.test(origin) || origin.replace(/^https?:\/\//, "").toLowerCase() !== host?.toLowerCase();
}
