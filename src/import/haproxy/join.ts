import type { Ledger } from "../ledger.ts";
import { readBinds } from "./binds.ts";
import { draftListen, type ListenDraft } from "./drafts.ts";
import { leaveSectionOut } from "./proxies.ts";
import type { ProxySection, Values } from "./settings.ts";
import type { Variables } from "./words.ts";

/** Makes listens of proxies: a frontend and the backend that it leads to become one. */
export function joinProxies(proxies: readonly ProxySection[], variables: Variables, ledger: Ledger): ListenDraft[] {
  const served = proxies.filter((proxy) => isServed(proxy, ledger));
  const backends = new Map(
    served.filter(({ section }) => section.kind !== "frontend").map((proxy) => [proxy.section.name, proxy]),
  );
  const fronts = served.filter(({ section }) => section.kind !== "backend");
  const used = new Set<ProxySection>();
  const groups = new Map<ProxySection, ProxySection[]>();
  for (const front of fronts) {
    const back = backOf(front, backends, ledger);
    used.add(back);
    groups.set(back, [...(groups.get(back) ?? []), front]);
  }
  const drafts = [...groups].flatMap(([back, group]) => joinGroup(back, group, variables, ledger));
  const routed = new Set(
    served.flatMap(({ settings }) => settings.useBackends.map(({ from }) => from.words[1]?.text ?? "")),
  );
  for (const proxy of served) {
    if (proxy.section.kind !== "backend" || used.has(proxy)) continue;
    const byRule = routed.has(proxy.section.name) || [...routed].some((name) => name.includes("%["));
    if (byRule)
      leaveSectionOut(
        proxy.section,
        ledger,
        "only a use_backend rule leads to it",
        "a [listen.NAME] with an address of its own",
        true,
      );
    else leaveSectionOut(proxy.section, ledger, "no frontend leads to it");
  }
  return uniqueNames(drafts, ledger);
}

function isServed({ section, settings }: ProxySection, ledger: Ledger): boolean {
  const mode = settings.values.mode;
  if (settings.values.disabled?.value === true) {
    leaveSectionOut(
      section,
      ledger,
      "it is disabled",
      "[[listen.NAME.server]] disabled = true keeps a server in maintenance",
    );
    return false;
  }
  if (mode === undefined || mode.value === "tcp") {
    if (mode !== undefined) ledger.mark(mode.from.line, "default");
    for (const { from } of settings.stats) ledger.leftOut(from, "statistics are a page of their own", "[stats]");
    return true;
  }
  ledger.mark(mode.from.line, "left out");
  const why = mode.value === "http" ? "HTTP is not spoken here" : `mode ${mode.value} is not there`;
  leaveSectionOut(
    section,
    ledger,
    `${why} (line ${mode.from.line.number})`,
    "mode tcp passes the bytes through without looking at them",
    true,
  );
  return false;
}

/** The proxy whose servers a frontend's or listen's connections go to; itself when it has them. */
function backOf(front: ProxySection, backends: ReadonlyMap<string, ProxySection>, ledger: Ledger): ProxySection {
  const given = front.settings.values.defaultBackend;
  if (given === undefined) return front;
  const back = backends.get(given.value);
  if (back === undefined) {
    ledger.leftOut(given.from, `there is no backend "${given.value}" that could be carried over`, "", true);
    return front;
  }
  // The servers of a listen come before the default_backend only where it has some.
  if (front.servers.length > 0) {
    ledger.leftOut(given.from, "a listen has one set of servers", "a [listen.NAME] of its own", true);
    return front;
  }
  ledger.mark(given.from.line, "carried");
  return back;
}

/** The listens of all frontends that lead to one backend. */
function joinGroup(
  back: ProxySection,
  group: readonly ProxySection[],
  variables: Variables,
  ledger: Ledger,
): ListenDraft[] {
  const [first] = group as [ProxySection];
  const { name } = back.section;
  const bindsOf = (front: ProxySection) => readBinds(front.section.header, front.binds, variables, ledger);
  const drafts = (fronts: readonly ProxySection[], as: string): ListenDraft[] => {
    const each = fronts.map(bindsOf);
    const front = fronts[0] as ProxySection;
    const binds = {
      addresses: each.flatMap(({ addresses }) => addresses),
      backlog: each.find(({ backlog }) => backlog !== null)?.backlog ?? null,
    };
    if (binds.addresses.length === 0) {
      const why = "it listens nowhere: none of its addresses could be carried over";
      for (const { section } of fronts) leaveSectionOut(section, ledger, why, "", true);
      if (!fronts.includes(back) && group.length === fronts.length)
        leaveSectionOut(back.section, ledger, why, "", true);
      return [];
    }
    const draft = draftListen(as, front, back, binds, variables, ledger);
    return [{ ...draft, headers: [...new Set([...fronts.map(({ section }) => section.header), back.section.header])] }];
  };
  if (group.length === 1) return drafts(group, name);
  if (group.every((front) => sameFront(front, first))) {
    for (const front of group.slice(1))
      ledger.note(
        { line: front.section.header.line },
        `its addresses are those of the listen ${name}: what clients see is the same`,
      );
    markLike(group.slice(1), ledger);
    return drafts(group, name);
  }
  return group.flatMap((front) => {
    const as = front === back ? name : front.section.name;
    if (front !== back) {
      ledger.differs(
        { line: front.section.header.line },
        `${name} is shared by several frontends: each has its servers for itself, which are checked and counted once for each`,
        "one listen with several addresses, if what clients see may be the same",
      );
    }
    return drafts([front], as);
  });
}

const FRONT_VALUES: readonly (keyof Values)[] = ["maxconn", "backlog", "tcplog", "dontlognull", "clitcpka"];

/** True when clients of two frontends are treated alike. */
function sameFront(a: ProxySection, b: ProxySection): boolean {
  const values = FRONT_VALUES.every((key) => a.settings.values[key]?.value === b.settings.values[key]?.value);
  const timeouts = (["client", "client_fin"] as const).every(
    (key) => a.settings.timeouts.get(key)?.value === b.settings.timeouts.get(key)?.value,
  );
  const logs = (proxy: ProxySection) => JSON.stringify(proxy.settings.logs.map(({ value }) => value));
  // A limit is of each frontend alone: together they would have one.
  return values && timeouts && logs(a) === logs(b) && a.settings.values.maxconn === undefined;
}

/** What other frontends say as well is carried over with the first. */
function markLike(others: readonly ProxySection[], ledger: Ledger): void {
  for (const { settings } of others) {
    const given = [
      ...FRONT_VALUES.map((key) => settings.values[key]),
      settings.timeouts.get("client"),
      settings.timeouts.get("client_fin"),
    ];
    for (const each of given) if (each !== undefined) ledger.mark(each.from.line, "default");
  }
}

/** Names that are ours to write, each once. */
function uniqueNames(drafts: readonly ListenDraft[], ledger: Ledger): ListenDraft[] {
  const taken = new Set<string>();
  return drafts.map((draft) => {
    const clean = draft.name.replace(/[^A-Za-z0-9_.:-]/g, "_").slice(0, 60) || "listen";
    let name = clean === "__proto__" || clean === "constructor" ? `${clean}_` : clean;
    for (let number = 2; taken.has(name); number++) name = `${clean}_${number}`;
    taken.add(name);
    const [header] = draft.headers;
    if (name !== draft.name && header !== undefined) ledger.note({ line: header.line }, `it is called ${name} here`);
    return { ...draft, name };
  });
}
