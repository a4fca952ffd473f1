import { expect, test } from "bun:test";
import { Storm } from "../e2e/reload/storm.ts";
import { serve } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { until } from "../support/until.ts";
import { type Losses, lossesOf } from "./reloadLosses.ts";

const SIZE = { clients: 2, transfers: 1, idle: 2, pieces: 2 };
const NONE: Partial<Losses> = { refused: 0, reset: 0, corrupt: 0, transfersCut: 0, idleLost: 0 };

/** What a short storm loses to whatever is at a port. */
async function lossesAt(port: number): Promise<Losses> {
  const storm = new Storm(port, SIZE);
  await until("traffic", () => storm.tried >= 5);
  return lossesOf(await storm.stop());
}

test("an echo service loses nothing", async () => {
  const { port } = await serve({ kind: "echo" });
  expect(await lossesAt(port)).toMatchObject(NONE);
});

test("a port where nobody listens refuses everything", async () => {
  const { tried, refused, reset, corrupt, transfersCut, idleLost } = await lossesAt(freePort());
  expect({ refused, reset, corrupt, idleLost }).toEqual({ refused: tried, reset: 0, corrupt: 0, idleLost: SIZE.idle });
  expect(transfersCut).toBeGreaterThan(0);
});

test("a server that resets has reset them, not refused", async () => {
  const { port } = await serve({ kind: "rst", bytes: 1 });
  const { tried, refused, reset, corrupt, transfersCut, idleLost } = await lossesAt(port);
  expect({ refused, reset, corrupt, idleLost }).toEqual({ refused: 0, reset: tried, corrupt: 0, idleLost: SIZE.idle });
  expect(transfersCut).toBeGreaterThan(0);
});

test("a server that answers as many bytes, but others, is found out in short connections and in transfers", async () => {
  const { port } = await serve({
    kind: "custom",
    run(socket) {
      socket.on("data", (bytes: Buffer) => socket.write(bytes.map((byte) => byte ^ 1)));
      socket.on("end", () => socket.end());
    },
  });
  const { tried, refused, reset, corrupt, transfersCut } = await lossesAt(port);
  expect({ refused, reset, transfersCut }).toEqual({ refused: 0, reset: 0, transfersCut: 0 });
  expect(corrupt).toBeGreaterThan(tried);
});
