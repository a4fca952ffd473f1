import { readFileSync } from "node:fs";
import { libc } from "../../src/net/libc.ts";
import { fileLimit, raiseFileLimit } from "../../src/net/limits.ts";

/** Takes on a uid and lowers its soft file limit, then raises it as the other arguments say, and prints what came of it. */
const [uid, soft, ...wanted] = process.argv.slice(2).map(Number);
libc.setrlimit(7, new BigUint64Array([BigInt(soft as number), BigInt(fileLimit().hard)]));
if (uid !== 0) process.setuid?.(uid as number);
const before = fileLimit();
const answers = wanted.map(raiseFileLimit);
const kernel = /Max open files\s+(\d+)\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.slice(1).map(Number);
console.log(JSON.stringify({ before, answers, after: fileLimit(), kernel }));
