import { beforeAll, describe, expect, test } from "bun:test";
import { freePort } from "../../support/ports.ts";
import { run } from "../../support/process.ts";
import { tmpDir } from "../../support/tmp.ts";
import { tool } from "../../support/tools.ts";
import { CLIENTS, type Client } from "./clients.ts";
import { shapeOf } from "./shape.ts";
import { startHaproxy, startOurs, startServers, type Target } from "./stand.ts";

const haproxy = tool("haproxy");

async function outputOf(client: Client, target: Target): Promise<string> {
  const script = client.command(target, { dir: tmpDir(), port: freePort() });
  const { stdout, stderr, code } = await run(["bash", "-c", script]);
  return `${stdout}${stderr}rc=${code}\n`;
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
    });
  }
});
