import type { FrailNode } from "./host.ts";
import type { Network } from "./schedule.ts";

/** Something goes wrong at once; `heal` ends it. */
type Fault = (network: Network) => { readonly text: string; heal(): void };

const anyNode = ({ random, nodes }: Network): FrailNode => random.pick(...nodes);

const crash: Fault = (network) => {
  const node = anyNode(network);
  node.crash();
  return { text: `${node.name} crashes`, heal: () => node.boot() };
};

const cleanStop: Fault = (network) => {
  const node = anyNode(network);
  node.do(() => node.shutDown());
  return { text: `${node.name} stops`, heal: () => node.boot() };
};

const freeze: Fault = (network) => {
  const node = anyNode(network);
  node.freeze("stopped");
  return { text: `${node.name} freezes`, heal: () => node.thaw(true, network.random.chance(0.5)) };
};

/** A machine that stands still: nothing arrives, and its clocks may or may not show it. */
const pause: Fault = (network) => {
  const node = anyNode(network);
  const startMs = network.world.nowMs;
  node.freeze("paused");
  return {
    text: `${node.name} is paused`,
    heal: () => {
      const monotonic = network.random.chance(0.5);
      if (!monotonic && network.random.chance(0.3)) node.stepWall(startMs - network.world.nowMs);
      node.thaw(monotonic, network.random.chance(0.5));
    },
  };
};

const sick: Fault = (network) => {
  const node = anyNode(network);
  const tell = (healthy: boolean) => () => {
    node.healthy = healthy;
    node.do(() => node.tellHealth());
  };
  tell(false)();
  return { text: `${node.name} is sick`, heal: tell(true) };
};

const weak: Fault = (network) => {
  const node = anyNode(network);
  const tell = (ok: boolean) => () => {
    node.weightOk = ok;
    node.do(() => node.tellHealth());
  };
  tell(false)();
  return { text: `${node.name} is weak`, heal: tell(true) };
};

const linkDown: Fault = (network) => {
  const node = anyNode(network);
  const device = node.configs[0]?.interface ?? "";
  node.setLink(device, false);
  return { text: `${node.name} loses its link`, heal: () => node.setLink(device, true) };
};

const addressRemoved: Fault = (network) => {
  const node = anyNode(network);
  for (const port of node.ports) node.removeByHand(port);
  return { text: `${node.name} loses its address`, heal: () => {} };
};

const clockSet: Fault = (network) => {
  const node = anyNode(network);
  node.stepWall(network.random.between(-20, 20) * network.intervalMs);
  return { text: `${node.name} has its clock set`, heal: () => {} };
};

const reprioritised: Fault = (network) => {
  const node = anyNode(network);
  const before = node.configs;
  const priority = 1 + network.random.below(254);
  const apply = (configs: FrailNode["configs"]) => {
    node.configs = configs;
    node.do(() => {
      for (const [index, router] of node.routers.entries()) router.reconfigure(configs[index] ?? before[0]!);
    });
  };
  apply(before.map((config) => ({ ...config, priority })));
  const { name } = node;
  return {
    text: `${name} gets priority ${priority}`,
    // Another change of the same node may be under way: what counts in the end is what it had at first.
    heal: () => apply(node.configs.map((config, index) => ({ ...config, priority: before[index]?.priority ?? 1 }))),
  };
};

const loss: Fault = ({ random, segments }) => {
  const { weather } = random.pick(...segments);
  weather.loss = random.pick(0.1, 0.5, 0.9, 1);
  return {
    text: `loss ${weather.loss}`,
    heal: () => {
      weather.loss = 0;
    },
  };
};

const duplication: Fault = ({ random, segments }) => {
  const { weather } = random.pick(...segments);
  weather.duplication = 0.5;
  return {
    text: "duplication",
    heal: () => {
      weather.duplication = 0;
    },
  };
};

const delay: Fault = ({ random, segments, intervalMs }) => {
  const { weather } = random.pick(...segments);
  weather.delayed = random.pick(0.2, 1);
  weather.lateMs = random.between(0, 3) * intervalMs;
  return {
    text: `delay of ${weather.lateMs} ms`,
    heal: () => {
      weather.delayed = 0;
    },
  };
};

/** A random set of hosts is apart from the others, in both directions or in one. */
const partition: Fault = ({ random, segments, nodes }) => {
  const { cut } = random.pick(...segments);
  const here = nodes.filter(() => random.chance(0.5));
  const oneWay = random.chance(0.4);
  const added: string[] = [];
  for (const a of here) {
    for (const b of nodes.filter((node) => !here.includes(node))) {
      added.push(`${a.name}>${b.name}`);
      if (!oneWay) added.push(`${b.name}>${a.name}`);
    }
  }
  for (const way of added) cut.add(way);
  return {
    text: `partition ${added.join(" ")}`,
    heal: () => {
      for (const way of added) cut.delete(way);
    },
  };
};

/** Hosts fail, the network does not. */
export const GENTLE_FAULTS: readonly Fault[] = [
  crash,
  cleanStop,
  freeze,
  sick,
  weak,
  linkDown,
  addressRemoved,
  reprioritised,
];

/** Everything. */
export const FAULTS: readonly Fault[] = [...GENTLE_FAULTS, pause, clockSet, loss, duplication, delay, partition];
