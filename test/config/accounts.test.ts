import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { loadConfig } from "../../src/config/config.ts";
import { localAccounts } from "../../src/core/host.ts";

const machine = { cpus: 1, ephemeralPorts: null };
const accounts = { users: new Set(["hapusr"]), groups: new Set(["hapgrp"]) };

function warned(global: string, environment: Parameters<typeof loadConfig>[1]): string[] {
  const text = `[global]\n${global}\n[defaults.timeout]\nconnect = "1s"\nclient = "1m"\nserver = "1m"\n[listen.a]\nbind = ":14900"\n[[listen.a.server]]\nname = "s"\ncheck = false\naddress = "192.0.2.1:80"\n`;
  const { config, issues } = loadConfig({ path: "a.toml", bytes: Buffer.from(text) }, environment);
  expect(config).not.toBeNull();
  return issues
    .filter(({ path }) => path.startsWith("global"))
    .map(({ path, message, hint }) => `${path}: ${message}; ${hint}`);
}

describe("an account that this machine does not have", () => {
  test("is warned of, with the command that makes it", () => {
    expect(warned('user = "hapuser"\ngroup = "hapgroup"', { ...machine, accounts })).toEqual([
      'global.user: this machine has no user "hapuser": root could not serve with it; useradd --system --no-create-home hapuser',
      'global.group: this machine has no group "hapgroup": root could not serve with it; groupadd --system hapgroup',
    ]);
  });

  test("is not mentioned when it is there, is a number, or nobody knows", () => {
    expect(warned('user = "hapusr"\ngroup = "hapgrp"', { ...machine, accounts })).toEqual([]);
    expect(warned("uid = 4711\ngid = 4711", { ...machine, accounts })).toEqual([]);
    expect(warned('user = "hapuser"', machine)).toEqual([]);
  });
});

test("the accounts of this machine are those of its files", () => {
  const known = localAccounts();
  if (known === null) return expect(readFileSync("/etc/nsswitch.conf", "utf8")).toMatch(/^(passwd|group):/m);
  expect(known.users.has("root")).toBe(true);
  expect(known.groups.has("root")).toBe(true);
});
