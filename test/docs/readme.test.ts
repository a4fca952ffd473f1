import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { README, withReference } from "./readme.ts";

const readme = readFileSync(README, "utf8");

test("the configuration reference in the README is the schema's (npm run docs mends it)", () => {
  expect(readme).toBe(withReference(readme));
});

test("every npm script that the README names exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(README, "../package.json"), "utf8")) as { scripts: object };
  const named = [...readme.matchAll(/npm (?:run )?(start|test|bench|docs|build|release)\b/g)].map(
    ([, name]) => name ?? "",
  );
  expect(named.length).toBeGreaterThan(2);
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
});

test("every file of the repository that the README links to is there", () => {
  const links = [...readme.matchAll(/\]\(((?!https?:|#)[^)]+)\)/g)].map(([, path]) => path ?? "");
  for (const path of links) expect(existsSync(join(README, "..", path))).toBe(true);
});
