import { expect, test } from "bun:test";
import { errnoName } from "../../src/core/errno.ts";
import { errno, libc, SOCK_DGRAM, SystemError, setSocketOption, strerror } from "../../src/net/libc.ts";
import { closeAtEnd } from "./sockets.ts";

test("errno is that of the call right before", () => {
  expect(libc.close(-1)).toBe(-1);
  expect(errno()).toBe(9); // EBADF
  const fd = libc.socket(1, SOCK_DGRAM, 0);
  closeAtEnd(fd);
  expect(libc.listen(fd, 1)).toBe(-1);
  expect(errno()).toBe(95); // EOPNOTSUPP
});

// Some numbers have two names; the manual pages of the calls that we use say these.
test.each([
  [2, "ENOENT"],
  [11, "EAGAIN"],
  [95, "EOPNOTSUPP"],
  [98, "EADDRINUSE"],
  [111, "ECONNREFUSED"],
  [7777, "E7777"],
])("errno %i is called %s", (code, name) => {
  expect(errnoName(code)).toBe(name);
});

test("strerror says what C says", () => {
  expect([strerror(111), strerror(98)]).toEqual(["Connection refused", "Address already in use"]);
});

test("a failed call becomes an error that names the call and its errno", () => {
  let caught: unknown;
  try {
    setSocketOption(-1, 1, 2, 1);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(SystemError);
  expect(caught).toMatchObject({
    syscall: "setsockopt",
    errno: 9,
    code: "EBADF",
    message: "setsockopt: Bad file descriptor",
  });
});
