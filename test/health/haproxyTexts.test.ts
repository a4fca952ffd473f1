import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import type { CheckStep } from "../../src/config/schema.ts";
import { serve } from "../support/echo.ts";
import { freePort } from "../support/ports.ts";
import { connect, expectString, send } from "./checks.ts";
import captured from "./fixtures/tcp-check.json";
import { endpointOf, runProbe } from "./probing.ts";

type Captured = (typeof captured.cases)[number];

async function perform(script: Captured["script"], socket: Socket): Promise<void> {
  for (const act of script) {
    if (act === "fin") socket.end();
    else if (act === "rst") socket.resetAndDestroy();
    else if (act === "read") await new Promise<void>((resolve) => socket.once("data", () => resolve()));
    else if (act[0] === "send") socket.write(String(act[1]));
    else await Bun.sleep(Number(act[1]));
  }
}

function stepOf(raw: Captured["steps"][number], ports: { same: number; free: number }): CheckStep {
  const [kind, what, changes] = raw as unknown as [string, string, { comment?: string } | undefined];
  const comment = changes?.comment ?? null;
  if (kind === "connect") return connect(what === "same" ? ports.same : ports.free, comment);
  return kind === "send" ? send(what, comment) : expectString(what, changes);
}

for (const known of captured.cases) {
  test(`${known.name}: ${"ours" in known ? "sooner than HAProxy" : "as HAProxy says it"}`, async () => {
    const server = await serve({ kind: "custom", run: (socket) => void perform(known.script, socket) });
    const ports = { same: server.port, free: freePort() };
    const steps = known.steps.map((step) => stepOf(step, ports));

    const { status, code, info } = { ...known, ...("ours" in known ? known.ours : {}) };
    const timeoutMs = status === "L7TOUT" ? 200 : 5000;
    const result = await runProbe(endpointOf(server), steps, { timeoutMs });

    const expected = { status, code, info: info === null ? null : info.replace("PORT", String(ports.free)) };
    expect({ status: result.status as string, code: result.code, info: result.info }).toEqual(expected);
    expect(result.passed).toBe(status === "L4OK" || status === "L7OK");
    expect(result.inconclusive).toBe(false);
    if (status !== "L7TOUT") expect(result.durationMs).toBeLessThan(timeoutMs / 2);
  });
}
