/** A stretch of the source text, in UTF-16 code units. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** Keys and list indexes from the root of the file to a value: ["listen", "a", "server", 0, "weight"]. */
export type Path = readonly (string | number)[];

/** Where a key and its value are written. A table from a header has no value; an element of a list has no key of its own. */
export interface Place {
  key: Span | null;
  value: Span | null;
}

interface Node extends Place {
  readonly children: Map<string | number, Node>;
  /** Number of elements when this is a list. */
  length: number;
  /** True once the key or header that defines it was seen, not only a longer one that runs through it. */
  defined: boolean;
}

/** Every place of a TOML text, to be looked up by path. */
export class Places {
  readonly #root: Node = newNode();

  /** The place of exactly this path; null when the file does not say it. */
  find(path: Path): Place | null {
    let node: Node | undefined = this.#root;
    for (const step of path) node = node?.children.get(step);
    return node ?? null;
  }

  /** What to point at for a path: the value, or the key, of the longest part of it that the file has; null: nothing. */
  nearest(path: Path, prefer: "key" | "value" = "value"): Span | null {
    for (let length = path.length; length > 0; length--) {
      const place = this.find(path.slice(0, length));
      // `bind = ":80"` is read as a list of one. Elsewhere the key says better than all of a table what lacks something.
      const whole = length === path.length ? prefer === "value" : typeof path[length] === "number";
      const span = whole ? (place?.value ?? place?.key) : (place?.key ?? place?.value);
      if (span) return span;
    }
    return null;
  }

  /** Notes the parts of a dotted key below `base`; a list on the way stands for its last element. */
  define(base: Path, parts: readonly KeyPart[], as: "value" | "table" | "element"): Path {
    let node = this.#node(base);
    const path = [...base];
    for (const [index, part] of parts.entries()) {
      const last = index === parts.length - 1;
      node = childOf(node, part.name);
      path.push(part.name);
      if (node.key === null || (last && !node.defined)) node.key = part.span;
      if (last && as !== "element") node.defined = true;
      if (last && as === "element") {
        node.defined = true;
        path.push(node.length);
        node = childOf(node, node.length++);
        node.key = part.span;
        node.defined = true;
      } else if (node.length > 0) {
        path.push(node.length - 1);
        node = childOf(node, node.length - 1);
      }
    }
    return path;
  }

  /** Notes where the value of a path is written. */
  value(path: Path, span: Span): void {
    const node = this.#node(path);
    // A key that is set twice is an error elsewhere; the first one stays the place of its path.
    node.value ??= span;
  }

  /** Notes that a list written as [ … ] has one more element; returns the element's path. */
  element(list: Path): Path {
    const node = this.#node(list);
    const path = [...list, node.length];
    childOf(node, node.length++);
    return path;
  }

  #node(path: Path): Node {
    let node = this.#root;
    for (const step of path) node = childOf(node, step);
    return node;
  }
}

/** One part of a dotted key, unquoted. */
export interface KeyPart {
  readonly name: string;
  readonly span: Span;
}

function newNode(): Node {
  return { key: null, value: null, children: new Map(), length: 0, defined: false };
}

function childOf(node: Node, step: string | number): Node {
  let child = node.children.get(step);
  if (child === undefined) {
    child = newNode();
    node.children.set(step, child);
  }
  return child;
}

/** "listen.a.server[0].weight"; keys that are no bare words are quoted as in TOML. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += `${text === "" ? "" : "."}${/^[A-Za-z0-9_-]+$/.test(step) ? step : JSON.stringify(step)}`;
  }
  return text;
}
