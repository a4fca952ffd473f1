import { expect, test } from "bun:test";
import { constants } from "node:os";
import { isFullBacklog, isOwnShortage } from "../../src/health/shortage.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../src/net/libc.ts";

const {
  EADDRNOTAVAIL,
  EAGAIN,
  ECONNREFUSED,
  EHOSTUNREACH,
  EMFILE,
  ENETUNREACH,
  ENFILE,
  ENOBUFS,
  ENOENT,
  ENOMEM,
  ETIMEDOUT,
} = constants.errno;

test.each([EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EAGAIN])("errno %i on TCP is our own shortage", (errno) => {
  expect([AF_INET, AF_INET6].map((family) => isOwnShortage(errno, family))).toEqual([true, true]);
});

test.each([ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENOENT])("errno %i is about the server", (errno) => {
  expect([AF_INET, AF_UNIX].map((family) => isOwnShortage(errno, family))).toEqual([false, false]);
});

test("EAGAIN from a unix socket is the server's full backlog", () => {
  expect(isOwnShortage(EAGAIN, AF_UNIX)).toBe(false);
  expect(isFullBacklog(EAGAIN, AF_UNIX)).toBe(true);
  expect(isFullBacklog(EAGAIN, AF_INET)).toBe(false);
});
