import { expect, test } from "bun:test";
import { join } from "node:path";
import { leaveNote, readNote } from "../../src/net/note.ts";
import { openFds } from "./sockets.ts";

const text = (bytes: number): string => "0123456789abcdef".repeat(bytes / 16);

test.each([0, 16, 65_536, 131_072, 1 << 20, 8 << 20])("a note of %i bytes is read as it was written, once", (bytes) => {
  const before = openFds();
  const fd = leaveNote(Buffer.from(text(bytes)));
  expect(openFds()).toBe(before + 1);
  expect(readNote(fd)).toBe(text(bytes));
  expect(openFds()).toBe(before);
});

test("one that is larger than pipes may be is a file without a name, which nobody else can read", async () => {
  const note = join(import.meta.dir, "../../src/net/note.ts");
  const code = `
    const { leaveNote, readNote } = await import("${note}");
    const fd = leaveNote(Buffer.alloc(8 << 20, "x"));
    const { mode, nlink } = require("node:fs").fstatSync(fd);
    const left = ["/dev/shm", "/tmp"].flatMap((dir) => require("node:fs").readdirSync(dir));
    const named = left.filter((name) => name.startsWith("haproxy-lite." + process.pid));
    console.log(mode.toString(8), nlink, readNote(fd) === "x".repeat(8 << 20), named.length);
  `;
  // Root may have pipes of any size.
  const few = process.geteuid?.() === 0 ? ["setpriv", "--inh-caps=-all", "--bounding-set=-sys_resource", "--"] : [];
  const child = Bun.spawn([...few, process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" });
  expect(await new Response(child.stdout).text()).toBe("100600 0 true 0\n");
});
