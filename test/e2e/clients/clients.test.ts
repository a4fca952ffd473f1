import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../support/ports.ts";
import { run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { CLIENTS, type Client } from "./clients.ts";
import { expectedShape, shapeOf } from "./shape.ts";
import { FIXTURES, startHaproxy, startOurs, startServers, type Target } from "./stand.ts";

const haproxy = tool("haproxy");

async function outputOf(client: Client, target: Target): Promise<string> {
  const script = client.command(target, { dir: tmpDir(), port: freePort() });
  const { stdout, stderr, code } = await run(["bash", "-c", script]);
  return `${stdout}${stderr}rc=${code}\n`;
}

/** What it printed when the kit was made, and does not print now. */
function missing(client: Client, shape: readonly string[]): string[] {
  const file = join(FIXTURES, `expected-2.6.12/${client.name}.txt`);
  if (client.unlikeKit !== undefined || !existsSync(file)) return [];
  return expectedShape(readFileSync(file, "utf8"), client).filter((line) => !shape.includes(line));
}

describe.skipIf(haproxy === null)("HAProxy's clients", () => {
  let real: Target;
  let ours: Target;
  beforeAll(async () => {
    const servers = await startServers();
    [real, ours] = await Promise.all([startHaproxy(haproxy ?? "", servers), startOurs(servers)]);
  });

  for (const client of CLIENTS) {
    const isHere = client.tools.map(tool).every((path) => path !== null);
    test.skipIf(!isHere)(`${client.name} sees the same with us as with HAProxy`, async () => {
      const [theirs, our] = await Promise.all([outputOf(client, real), outputOf(client, ours)]);
      expect(shapeOf(our, client)).toEqual(shapeOf(theirs, client));
      expect(missing(client, shapeOf(theirs, client))).toEqual([]);
    });
  }
});
