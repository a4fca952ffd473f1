import { expect, test } from "bun:test";
import { fileEffect, readValue } from "../../../src/vrrp/trackers/fileValue.ts";

test.each([
  ["10\n", 10],
  ["-20", -20],
  ["+9\n", 9],
  [" 7 \r\n\n", 7],
  ["010", 10],
  ["-0", 0],
  ["2147483648", 2_147_483_647],
  ["-99999999999999999999", -2_147_483_647],
])("%p is the number %i", (content, value) => {
  expect(readValue(Buffer.from(content))).toEqual({ value, detail: "" });
});

test.each([
  ["", "empty"],
  ["\n", "empty"],
  ["five", "not a whole number"],
  ["5x", "not a whole number"],
  ["7 8", "not a whole number"],
  ["1.5", "not a whole number"],
  ["0x10", "not a whole number"],
  ["-", "not a whole number"],
  ["1\0", "not a whole number"],
  ["٣", "not a whole number"],
  ["1".repeat(65), "longer than 64 bytes"],
])("%p counts as 0, and says why", (content, detail) => {
  expect(readValue(Buffer.from(content))).toEqual({ value: 0, detail });
});

// keepalived 2.2.7 with priority 100: "Changing effective priority from 100 to …", "now FAULT state".
test.each([
  [10, 1, false, { amount: 10, fault: false }],
  [-253, 1, false, { amount: -253, fault: false }],
  [-254, 1, false, { amount: 0, fault: true }],
  [-300, 1, false, { amount: 0, fault: true }],
  [254, 1, false, { amount: 253, fault: false }],
  [1_000_000, 1, false, { amount: 253, fault: false }],
  [0, 1, false, { amount: 0, fault: false }],
  [0, 0, false, { amount: 0, fault: false }],
  [1, 0, false, { amount: 0, fault: true }],
  [-1, 0, false, { amount: 0, fault: true }],
  [3, -20, false, { amount: -60, fault: false }],
  [0, -20, false, { amount: 0, fault: false }],
  [127, -2, false, { amount: 0, fault: true }],
  [3, -20, true, { amount: 60, fault: false }],
  [254, 1, true, { amount: 0, fault: true }],
  [0, 0, true, { amount: 0, fault: true }],
  [5, 0, true, { amount: 0, fault: false }],
])("%i with weight %i, reverse %p: %p", (value, weight, reverse, effect) => {
  expect(fileEffect(value, weight, reverse)).toEqual(effect);
});
