import { expect, test } from "bun:test";
import { instancesNamed } from "../../src/vrrp/release.ts";
import { instanceConfig } from "./lan/config.ts";

const instances = [
  instanceConfig({ name: "VI_1" }),
  instanceConfig({ name: "VI_2", syncGroup: "edge" }),
  instanceConfig({ name: "VI_3", syncGroup: "edge" }),
];

test.each([
  ["VI_1", ["VI_1"]],
  ["VI_2", ["VI_2", "VI_3"]],
  ["edge", ["VI_2", "VI_3"]],
  ["all", ["VI_1", "VI_2", "VI_3"]],
  ["VI_9", []],
])("an order about %s means %p", (name, names) => {
  expect(instancesNamed({ instances }, name).map((instance) => instance.name)).toEqual(names);
});
