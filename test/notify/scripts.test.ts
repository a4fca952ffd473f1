import { expect, test } from "bun:test";
import { jobOfChange, jobOfRival, type NotifyScripts } from "../../src/notify/scripts.ts";
import { change } from "./changes.ts";

const none: NotifyScripts = {
  any: null,
  master: null,
  backup: null,
  fault: null,
  stop: null,
  deleted: null,
  masterRxLowerPri: null,
};
const all: NotifyScripts = {
  any: ["/n/any", "extra1"],
  master: ["/n/master", "x"],
  backup: ["/n/backup"],
  fault: ["/n/fault"],
  stop: ["/n/stop"],
  deleted: ["/n/deleted"],
  masterRxLowerPri: ["/n/rival", "y"],
};

test.each([
  ["MASTER", ["/n/master", "x"]],
  ["BACKUP", ["/n/backup"]],
  ["FAULT", ["/n/fault"]],
  ["STOP", ["/n/stop"]],
  ["DELETED", ["/n/deleted"]],
] as const)("%s runs its own script as configured, then the generic one with keepalived's arguments", (state, own) => {
  expect(jobOfChange(change(state), all).steps).toEqual([
    { key: `notify_${state.toLowerCase()}`, command: own },
    { key: "notify", command: ["/n/any", "extra1", "INSTANCE", "VI_1", state, "101"] },
  ]);
});

test("only STOP and DELETED are never replaced", () => {
  const kinds = (["MASTER", "BACKUP", "FAULT", "STOP", "DELETED"] as const).map(
    (state) => jobOfChange(change(state), none).kind,
  );
  expect(kinds).toEqual(["state", "state", "state", "final", "final"]);
});

// keepalived: "notify_deleted" makes the difference (reference: hooks).
test("without a script for DELETED, scripts are told FAULT", () => {
  const job = jobOfChange(change("DELETED"), { ...all, deleted: null });
  expect(job.steps.map(({ command }) => command)).toEqual([
    ["/n/fault"],
    ["/n/any", "extra1", "INSTANCE", "VI_1", "FAULT", "101"],
  ]);
  expect(job.kind).toBe("final");
});

test("a rival runs its script with the configured arguments alone", () => {
  expect(jobOfRival(all).steps).toEqual([{ key: "notify_master_rx_lower_pri", command: ["/n/rival", "y"] }]);
  expect(jobOfRival(none).steps).toEqual([]);
});
