/** What a room may import: whole modules, and rooms of which it may see only the types. */
interface Arrows {
  modules: readonly string[];
  types: readonly string[];
}

/**
 * The rooms of src/ and who may import whom. Arrows point down, and may skip levels.
 *
 *                      main
 *                        │
 *                       cli ──────────────┬─────────┐
 *                        │                │         │
 *                   supervisor         install    import
 *                    │      │             │         │
 *                  proxy   vrrp           │         │
 *      ┌────────┬────┼─────┬─────┬─────┐ │         │
 *    relay   health  │   admin  web notify│         │
 *      │        │    │     │     │        │         │
 *   balance     │    │     └─ stats       │         │
 *      └────────┴────┼─────────┘          │         │
 *                  pool       net     log │         │
 *                    │ (types) │ │     │  │         │
 *                    │      ┌──┘ │     │  │         │
 *                  config ──┼────┼─────┼──┴─────────┘
 *                    └──────┴─ core ───┘
 *
 * `relay`, `health` and `vrrp` never import each other: they meet in `pool`, or are wired from above.
 * Below the wiring, `config` is seen as types only: who parses and who runs stay strangers.
 */
export const ROOMS: Readonly<Record<string, Arrows>> = {
  main: { modules: ["cli", "core"], types: [] },
  cli: {
    modules: ["supervisor", "proxy", "relay", "vrrp", "admin", "install", "import", "config", "log", "stats", "core"],
    types: [],
  },
  supervisor: {
    modules: [
      "proxy",
      "web",
      "vrrp",
      "relay",
      "health",
      "admin",
      "notify",
      "balance",
      "pool",
      "stats",
      "net",
      "log",
      "config",
      "core",
    ],
    types: [],
  },
  proxy: {
    modules: ["relay", "health", "admin", "web", "notify", "balance", "pool", "stats", "net", "log", "config", "core"],
    types: [],
  },
  vrrp: { modules: ["net", "stats", "log", "core"], types: ["config"] },
  relay: { modules: ["balance", "pool", "net", "log", "core"], types: ["config"] },
  health: { modules: ["pool", "net", "log", "core"], types: ["config"] },
  admin: { modules: ["stats", "net", "log", "config", "core"], types: ["pool"] },
  web: { modules: ["stats", "net", "core"], types: ["config"] },
  notify: { modules: ["net", "log", "core"], types: ["config"] },
  balance: { modules: ["pool", "core"], types: ["config"] },
  stats: { modules: ["pool", "core"], types: ["config"] },
  install: { modules: ["config", "core"], types: [] },
  import: { modules: ["config", "core"], types: [] },
  pool: { modules: ["core"], types: ["config"] },
  net: { modules: ["core"], types: [] },
  log: { modules: ["core"], types: [] },
  config: { modules: ["core"], types: [] },
  core: { modules: [], types: [] },
};

/** One file naming another of the project. */
export interface Import {
  /** Path of the importing file below src/, as "relay/session.ts". */
  from: string;
  to: string;
  line: number;
  /** `import type`: gone when the program runs. */
  typeOnly: boolean;
}

/**
 * The relative imports of one source file: `import`/`export … from`, bare `import "…"`, `import("…")`, and
 * `new URL("….ts", …)` of a worker. `path` is relative to src/.
 */
export function importsOf(path: string, source: string): Import[] {
  const found: Import[] = [];
  const statement =
    /(?:^|[\n;])[ \t]*(?:import|export)\s+(type\s+(?!from\b))?(?:[\w$*{][\w$*{},\s]*?\bfrom\s*|[{*][^"';]*?\}?\s*from\s*)?(["'])(\.[^"'\n]+)\2/g;
  const expression = /\b(?:import|new URL)\(\s*(["'])(\.[^"'\n]+\.ts)\1/g;
  const add = (specifier: string, at: number, typeOnly: boolean): void => {
    found.push({
      from: path,
      to: resolvePath(path, specifier),
      line: source.slice(0, at).split("\n").length,
      typeOnly,
    });
  };
  for (const match of source.matchAll(statement)) {
    add(match[3] ?? "", match.index + match[0].length, match[1] !== undefined);
  }
  for (const match of source.matchAll(expression)) add(match[2] ?? "", match.index, false);
  return found;
}

/** The room of a file: its folder in src/, or its own name at the top ("main"). */
export function roomOf(path: string): string {
  const [head = "", ...rest] = path.split("/");
  return rest.length === 0 ? head.replace(/\.ts$/, "") : head;
}

/** One sentence for each import that goes against the arrows. */
export function forbidden(imports: readonly Import[], rooms: Readonly<Record<string, Arrows>> = ROOMS): string[] {
  return imports.flatMap(({ from, to, line, typeOnly }) => {
    const [room, target] = [roomOf(from), roomOf(to)];
    if (room === target) return [];
    const arrows = rooms[room];
    if (arrows === undefined) return [`src/${from}: "${room}" is no room; add it to the table with its arrows`];
    if (arrows.modules.includes(target) || (typeOnly && arrows.types.includes(target))) return [];
    const only = arrows.types.includes(target) ? " except by `import type`" : "";
    return [`src/${from}:${line}: ${room} must not import ${target}${only} (${to})`];
  });
}

/** The files of each import cycle, in the order they import each other; types make none, they are gone at run time. */
export function cycles(imports: readonly Import[]): string[][] {
  const edges = Map.groupBy(
    imports.filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from,
  );
  const found: string[][] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (file: string): void => {
    const start = trail.indexOf(file);
    if (start !== -1) found.push(trail.slice(start));
    if (start !== -1 || done.has(file)) return;
    trail.push(file);
    for (const { to } of edges.get(file) ?? []) visit(to);
    trail.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return found;
}

function resolvePath(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
