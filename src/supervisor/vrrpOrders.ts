import type { Clock } from "../core/clock.ts";
import type { VrrpOrder } from "../proxy/protocol.ts";
import type { VrrpInstanceSnapshot, VrrpRelease, VrrpSnapshot } from "../stats/vrrpSnapshot.ts";

/** The routers that orders are about, see vrrp/speaker.ts. */
export interface OrderedRouters {
  setRelease(name: string, release: VrrpRelease | null): string[];
  ownersAmong(name: string): string[];
  snapshot(): VrrpSnapshot;
}

/** What came of an order, in lines; `ok` false: nothing has changed. */
export interface OrderOutcome {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

const LOOK_MS = 10;
/** The skew of the lowest priority: a peer that takes over has spoken by then. */
const LONGEST_SKEW_MS = 1000;

/** Carries an order out; a release is answered when another router has taken over, or should have. */
export async function carryOut(order: VrrpOrder, routers: OrderedRouters, clock: Clock): Promise<OrderOutcome> {
  const before = routers.snapshot();
  if (order.kind === "resume") {
    const names = routers.setRelease(order.name, null);
    return outcome(before, routers.snapshot(), order.name, names, resumedLine);
  }
  const owners = routers.ownersAmong(order.name);
  if (owners.length > 0) {
    const text = `${owners.join(", ")}: the host has these addresses for itself, whoever is MASTER: they cannot be handed over`;
    return { ok: false, lines: [text] };
  }
  const orderedMs = clock.nowMs();
  const names = routers.setRelease(order.name, { hold: order.hold, sinceWallMs: clock.wallMs() });
  const handed = before.instances.filter(({ name, state }) => names.includes(name) && state === "MASTER");
  const waitMs = Math.max(0, ...handed.map(({ advertIntMs }) => advertIntMs)) + LONGEST_SKEW_MS;
  let now = routers.snapshot();
  const isTaken = ({ name }: VrrpInstanceSnapshot) => {
    const instance = now.instances.find((each) => each.name === name);
    return instance === undefined || successor(instance, clock.nowMs() - orderedMs) !== null;
  };
  while (!handed.every(isTaken) && clock.nowMs() - orderedMs < waitMs) {
    await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve));
    now = routers.snapshot();
  }
  const sinceMs = clock.nowMs() - orderedMs;
  return outcome(before, now, order.name, names, (instance, was) => releasedLine(instance, was, sinceMs));
}

function outcome(
  before: VrrpSnapshot,
  now: VrrpSnapshot,
  asked: string,
  names: readonly string[],
  line: (instance: VrrpInstanceSnapshot, was: VrrpInstanceSnapshot | undefined) => string,
): OrderOutcome {
  if (names.length === 0) return { ok: false, lines: [`there is no virtual router or sync group "${asked}"`] };
  const meant = now.instances.filter(({ name }) => names.includes(name));
  const lines = meant.map((instance) =>
    line(
      instance,
      before.instances.find(({ name }) => name === instance.name),
    ),
  );
  return { ok: true, lines };
}

/** The MASTER that has spoken since; null: nobody has. */
function successor({ peer }: VrrpInstanceSnapshot, sinceMs: number): string | null {
  if (peer === null || peer.priority === 0 || peer.agoMs > sinceMs) return null;
  return `${peer.address} (priority ${peer.priority})`;
}

function releasedLine(instance: VrrpInstanceSnapshot, was: VrrpInstanceSnapshot | undefined, sinceMs: number): string {
  const { name, state, released, waiting } = instance;
  const priority = `priority ${instance.priority.effective}, was ${was?.priority.effective ?? "?"}`;
  if (was?.state !== "MASTER") return `${name}: released; it is ${state} as before, ${priority}`;
  const master = successor(instance, sinceMs);
  if (master !== null) return `${name}: released; ${master} is MASTER now; ${priority}`;
  if (released?.hold === true)
    return `${name}: released, and nobody has taken over: its addresses are nowhere until somebody does, or "vrrp resume ${name}"`;
  const back = waiting?.takeoverInMs ?? null;
  const when = back === null ? "" : ` in ${(back / 1000).toFixed(1)} s`;
  return `${name}: released, and nobody has taken over: without another router it takes its addresses back${when}; ${priority}`;
}

function resumedLine(instance: VrrpInstanceSnapshot, was: VrrpInstanceSnapshot | undefined): string {
  const { name, state, waiting } = instance;
  const { effective } = instance.priority;
  if (was?.released === null) return `${name}: it was not released; it is ${state}, priority ${effective}`;
  const preempts =
    state === "BACKUP" && waiting?.preempt === false
      ? "; nopreempt: it takes over only from a MASTER that falls silent"
      : "";
  return `${name}: takes part again; it is ${state}, priority ${effective}, was ${was?.priority.effective ?? "?"}${preempts}`;
}
