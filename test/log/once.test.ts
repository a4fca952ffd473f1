import { expect, test } from "bun:test";
import { Once } from "../../src/log/once.ts";
import { FakeClock } from "../support/fakeClock.ts";

const setUp = (rearmMs = 60_000) => {
  const clock = new FakeClock();
  const once = new Once(clock, rearmMs);
  const said: string[] = [];
  const hit = (key: string) => once.logOnce(key, (unsaid) => said.push(`${key} ${unsaid}`));
  return { clock, once, said, hit };
};

test("a cause is said the first time and then only counted", () => {
  const { once, said, hit } = setUp();
  for (let i = 0; i < 5; i++) hit("EMFILE");
  expect(said).toEqual(["EMFILE 0"]);
  expect(once.count("EMFILE")).toBe(5);
});

test("causes do not silence each other", () => {
  const { said, hit } = setUp();
  hit("EMFILE");
  hit("ENOBUFS");
  expect(said).toEqual(["EMFILE 0", "ENOBUFS 0"]);
});

test("after the re-arm interval the next one is said with the number of silent ones", () => {
  const { clock, said, hit } = setUp();
  for (let i = 0; i < 5; i++) hit("EMFILE");
  clock.pass(59_999);
  hit("EMFILE");
  clock.pass(1);
  hit("EMFILE");
  hit("EMFILE");
  clock.pass(60_000);
  hit("EMFILE");
  expect(said).toEqual(["EMFILE 0", "EMFILE 5", "EMFILE 1"]);
});

test("an infinite interval keeps silent for ever", () => {
  const { clock, said, hit } = setUp(Number.POSITIVE_INFINITY);
  hit("EMFILE");
  clock.pass(1e12);
  hit("EMFILE");
  expect(said).toEqual(["EMFILE 0"]);
});

test("a cause that was over is news again", () => {
  const { once, said, hit } = setUp();
  hit("EMFILE");
  once.reset("EMFILE");
  hit("EMFILE");
  expect(said).toEqual(["EMFILE 0", "EMFILE 0"]);
  expect(once.count("EMFILE")).toBe(1);
});

test("endless new keys push out the oldest instead of filling the memory", () => {
  const { once, hit } = setUp();
  for (let i = 0; i < 1500; i++) hit(`key ${i}`);
  expect(once.count("key 499")).toBe(0);
  expect(once.count("key 500")).toBe(1);
});
