import type { OperatedListen, OperatedServer, Operator } from "../../src/admin/operator.ts";
import { readAddedServer, type ServerWords } from "../../src/config/addedServer.ts";
import type { AdminState, CheckPlace, Health } from "../../src/pool/server.ts";

/** A server that does what it is told, and has no traffic. */
export class FakeServer implements OperatedServer {
  admin: AdminState = "ready";
  health: Health = "up";
  maxconn: number | null = null;
  checking = true;
  checkPlace: CheckPlace = { host: null, port: null };
  hasSessions = false;
  address: { host: string; port: number } | null = { host: "192.0.2.1", port: 80 };
  weight: number;

  constructor(
    readonly name: string,
    private readonly listen: FakeListen,
    readonly weightInFile = 1,
    readonly isChecked = true,
  ) {
    this.weight = weightInFile;
  }

  setAdmin(admin: AdminState): void {
    this.admin = admin;
  }
  setWeight(weight: number): void {
    this.weight = weight;
  }
  setMaxconn(maxconn: number | null): void {
    this.maxconn = maxconn;
  }
  setAddress(host: string, port: number): void {
    this.address = { host, port };
  }
  setChecking(on: boolean): void {
    this.checking = on;
  }
  setHealth(health: Health): void {
    this.health = health;
  }
  setCheckPlace(place: CheckPlace): void {
    this.checkPlace = place;
  }
  endSessions(): void {
    this.hasSessions = false;
  }
  async remove(): Promise<string | null> {
    this.listen.servers = this.listen.servers.filter((each) => each !== this);
    return null;
  }
}

/** A listen of such servers; what is added is read as the real one reads it. */
export class FakeListen implements OperatedListen {
  servers: FakeServer[] = [];
  accepting: OperatedListen["accepting"] = "open";
  maxconn: number | null = null;
  /** As they were added. */
  readonly added: ServerWords[] = [];

  constructor(
    readonly name: string,
    readonly hasStaticWeights = false,
  ) {}

  async pause(): Promise<void> {
    this.accepting = "paused";
  }
  async resume(): Promise<void> {
    this.accepting = "open";
  }
  async shutDown(): Promise<void> {
    this.accepting = "stopped";
  }
  setMaxconn(maxconn: number | null): void {
    this.maxconn = maxconn;
  }
  async addServer(words: ServerWords): Promise<string | null> {
    const config = readAddedServer({ serverDefaults: {} }, words);
    if (typeof config === "string") return config;
    this.added.push(words);
    const server = new FakeServer(words.name, this, config.weight, config.check !== null);
    server.admin = "maint";
    this.servers.push(server);
    return null;
  }
}

/** Listens `web` (a, weight 10; b, unchecked), `static` (static weights) and `empty`. */
export class FakeOperator implements Operator {
  readonly listens = [new FakeListen("web"), new FakeListen("static", true), new FakeListen("empty")];
  maxconn = 1000;
  readonly hardMaxconn = 1000;
  readonly cleared: boolean[] = [];

  constructor() {
    const [web, fixed] = this.listens as [FakeListen, FakeListen];
    web.servers = [new FakeServer("a", web, 10), new FakeServer("b", web, 1, false)];
    fixed.servers = [new FakeServer("s", fixed, 10)];
  }

  get web(): FakeListen {
    return this.listens[0] as FakeListen;
  }
  setMaxconn(maxconn: number): void {
    this.maxconn = maxconn;
  }
  async clearCounters(all: boolean): Promise<void> {
    this.cleared.push(all);
  }
}
