import { detectionOf, HUNG_DETECTION } from "./detection.ts";
import type { Trouble } from "./host.ts";
import { BOTH, other, type Pair, type Which } from "./pair.ts";
import type { PairLan } from "./pairLan.ts";

/** Something that goes wrong for a while. */
export interface Fault {
  /** "lb01: proxy down". */
  readonly text: string;
  start(lan: PairLan): void;
  heal(lan: PairLan): void;
  /** The longest time until its hosts have noticed it, and its end. */
  readonly noticedMs: number;
  /** Adverts cannot pass: that both are MASTER lies in the protocol, which knows no other way to ask. */
  readonly blocksAdverts?: boolean;
  /** A keepalived that no longer runs cannot remove its address, whatever its file says. */
  readonly leavesAddress?: boolean;
}

/** All that is tried on a pair: every single fault, and those that go together. */
export function faultsOf(pair: Pair): Fault[] {
  const each = (make: (which: Which) => Fault[]): Fault[] => BOTH.flatMap(make);
  const services = BOTH.map((which) => serviceFaults(pair, which));
  const dead = BOTH.map((which) => hostDead(pair, which));
  const singles = each((which) => [
    ...(services[which] ?? []),
    ...linkFaults(pair, which),
    dead[which] as Fault,
    frozen(pair, which),
    programFrozen(pair, which),
    programKilled(pair, which),
    cleanStop(pair, which),
    blocked(pair, which),
  ]);
  const [mine = [], theirs = []] = services;
  const shared = mine.flatMap((fault) => {
    const what = withoutName(fault.text);
    const twin = theirs.find(({ text }) => withoutName(text) === what);
    return twin === undefined ? [] : [together(`both: ${what}`, fault, twin)];
  });
  const lastOne = each((which) =>
    (services[which] ?? [])
      .filter(({ text }) => !text.endsWith(HUNG))
      .map((fault) => {
        const gone = dead[other(which)] as Fault;
        return together(`${gone.text}, ${fault.text}`, fault, gone);
      }),
  );
  const cut = { ...together("adverts blocked both ways", blocked(pair, 0), blocked(pair, 1)), blocksAdverts: true };
  const unequal = each((which) => {
    const [proxyDown] = (services[other(which)] ?? []).filter(({ text }) => text.endsWith(DOWN));
    const lesser = (services[which] ?? []).filter(({ text }) => withoutName(text).startsWith(SERVERS));
    return proxyDown === undefined
      ? []
      : lesser.map((fault) => together(`${proxyDown.text}, ${fault.text}`, fault, proxyDown));
  });
  return [...singles, cut, ...shared, ...lastOne, ...unequal];
}

const HUNG = "proxy hung";
const DOWN = "proxy down";
const SERVERS = "servers of ";

function withoutName(text: string): string {
  return text.slice(text.indexOf(": ") + 2);
}

/** What keeps a host from serving its clients: proxy, servers, what scripts look at. */
function serviceFaults(pair: Pair, which: Which): Fault[] {
  const side = pair[which];
  const { instances } = side.vrrp;
  const scripts = new Set(instances.flatMap(({ trackScript }) => trackScript.map(({ name }) => name)));
  const listens = side.listens.filter(({ servers }) => servers.length > 0);
  const fail = (what: string, trouble: Trouble, detection = detectionOf(side, trouble)): Fault => ({
    text: `${side.name}: ${what}`,
    start: ({ hosts }) => hosts[which].set(trouble, true, detection.failureMs),
    heal: ({ hosts }) => hosts[which].set(trouble, false, detection.recoveryMs),
    noticedMs: Math.max(detection.failureMs, detection.recoveryMs),
  });
  // What a keepalived's scripts ask is not known: they stand for its proxy.
  const isProxyKnown =
    side.daemon === "haproxy-lite" || scripts.size === 0 || instances.some(({ trackProxy }) => trackProxy !== null);
  const proxy = isProxyKnown ? [fail(DOWN, "proxy"), fail(HUNG, "proxy", HUNG_DETECTION)] : [];
  return [
    ...proxy,
    ...listens.map(({ name }) => fail(`${SERVERS}${name} down`, `listen ${name}`)),
    ...[...scripts].map((name) => fail(`script ${name} fails`, `script ${name}`)),
  ];
}

function linkFaults(pair: Pair, which: Which): Fault[] {
  const { instances } = pair[which].vrrp;
  const names = instances.flatMap((instance) => [
    instance.interface,
    ...instance.trackInterface.map(({ name }) => name),
  ]);
  return [...new Set(names)].map((name): Fault => {
    const set = ({ hosts }: PairLan, up: boolean): void => {
      hosts[which].set(`interface ${name}`, !up, 0);
      hosts[which].node.setLink(name, up);
    };
    return {
      text: `${pair[which].name}: link of ${name} down`,
      start: (lan) => set(lan, false),
      heal: (lan) => set(lan, true),
      noticedMs: 0,
    };
  });
}

function hostDead(pair: Pair, which: Which): Fault {
  return {
    text: `${pair[which].name}: host dead`,
    start: ({ hosts }) => {
      hosts[which].down = true;
      hosts[which].node.die();
    },
    heal: ({ hosts }) => {
      hosts[which].down = false;
      hosts[which].boot();
    },
    noticedMs: 0,
  };
}

function cleanStop(pair: Pair, which: Which): Fault {
  return {
    text: `${pair[which].name}: shut down cleanly`,
    start: ({ hosts }) => {
      hosts[which].down = true;
      hosts[which].node.shutDown();
    },
    heal: ({ hosts }) => {
      hosts[which].down = false;
      hosts[which].boot();
    },
    noticedMs: 0,
  };
}

/** A virtual machine that is paused: nothing arrives, and its clock stands still. */
function frozen(pair: Pair, which: Which): Fault {
  return {
    text: `${pair[which].name}: host frozen`,
    start: ({ hosts }) => {
      hosts[which].down = true;
      hosts[which].node.freeze("paused");
    },
    heal: ({ hosts }) => {
      hosts[which].down = false;
      hosts[which].node.thaw(true, false);
    },
    noticedMs: 0,
  };
}

/** SIGSTOP, or a host that swaps: the kernel goes on, and answers for the addresses that it has. */
function programFrozen(pair: Pair, which: Which): Fault {
  return {
    text: `${pair[which].name}: program frozen`,
    start: ({ hosts }) => {
      hosts[which].down = true;
      hosts[which].node.freeze("stopped");
    },
    heal: ({ hosts }) => {
      hosts[which].down = false;
      hosts[which].node.thaw(true, false);
    },
    noticedMs: 0,
    leavesAddress: pair[which].daemon === "keepalived",
  };
}

function programKilled(pair: Pair, which: Which): Fault {
  return {
    text: `${pair[which].name}: program killed`,
    start: ({ hosts }) => {
      hosts[which].down = true;
      hosts[which].node.crash();
    },
    heal: ({ hosts }) => {
      hosts[which].down = false;
      hosts[which].boot();
    },
    noticedMs: 0,
    leavesAddress: pair[which].daemon === "keepalived",
  };
}

function blocked(pair: Pair, which: Which): Fault {
  return {
    text: `${pair[which].name}: its adverts blocked`,
    start: (lan) => lan.block(which, true),
    heal: (lan) => lan.block(which, false),
    noticedMs: 0,
    blocksAdverts: true,
  };
}

function together(text: string, a: Fault, b: Fault): Fault {
  return {
    text,
    start: (lan) => {
      b.start(lan);
      a.start(lan);
    },
    heal: (lan) => {
      a.heal(lan);
      b.heal(lan);
    },
    noticedMs: Math.max(a.noticedMs, b.noticedMs),
  };
}
