import { expect, test } from "bun:test";
import { Registry } from "../../src/relay/registry.ts";

test("the registry holds exactly those who joined and have not left, whatever the order", () => {
  const registry = new Registry<{ place: number; name: number }>();
  const members = Array.from({ length: 50 }, (_, name) => ({ place: -1, name }));
  const inside = new Set<number>();
  for (let step = 0; step < 2_000; step++) {
    const member = members[(step * 7919) % members.length] as (typeof members)[number];
    if (inside.delete(member.name)) registry.remove(member);
    else {
      inside.add(member.name);
      registry.add(member);
    }
    expect(registry.size).toBe(inside.size);
    expect(new Set(registry.all().map(({ name }) => name))).toEqual(inside);
  }
});

test("members may leave while all of them are gone through", () => {
  const registry = new Registry<{ place: number }>();
  for (let i = 0; i < 10; i++) registry.add({ place: -1 });
  for (const member of registry.all()) registry.remove(member);
  expect(registry.size).toBe(0);
});
