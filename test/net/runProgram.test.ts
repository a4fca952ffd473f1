import { expect, test } from "bun:test";
import { constants, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import { findUser } from "../../src/net/accounts.ts";
import { programEnvironment } from "../../src/net/programEnvironment.ts";
import { endText, type Run, type RunOptions, runProgram } from "../../src/net/runProgram.ts";
import { atEnd } from "../support/cleanup.ts";
import { FakeClock } from "../support/fakeClock.ts";
import { tmpDir } from "../support/tmp.ts";
import { until } from "../support/until.ts";
import { alive, pidIn, readIfThere, script } from "./programs.ts";

const isRoot = process.geteuid?.() === 0;

function begin(command: readonly string[], options: Partial<RunOptions> = {}): Run {
  const run = runProgram(command, {
    timeoutMs: 20_000,
    user: null,
    clock: systemClock,
    maxStderrBytes: 4096,
    ...options,
  });
  atEnd(() => {
    run.kill();
    // SIGKILL for what ignores SIGTERM.
    if (options.clock instanceof FakeClock) options.clock.pass(2000);
  });
  return run;
}

const sh = (body: string, options: Partial<RunOptions> = {}): Run => begin(["/bin/sh", "-c", body], options);

test.each([
  ["exit 0", { kind: "exited", code: 0, stderr: "" }],
  ["exit 7", { kind: "exited", code: 7, stderr: "" }],
  ["echo gone wrong >&2; exit 1", { kind: "exited", code: 1, stderr: "gone wrong" }],
  ["kill -SEGV $$", { kind: "signalled", signal: "SIGSEGV", stderr: "" }],
  ["kill -KILL $$", { kind: "signalled", signal: "SIGKILL", stderr: "" }],
] as const)("%s is told as it was", async (body, outcome) => {
  expect(await sh(body).done).toEqual(outcome);
});

test("the command is a program and its arguments: no shell looks at them", async () => {
  const show = script('printf "%s|" "$@" >&2');
  expect((await begin([show, "a b", "$HOME", "*", ""]).done).stderr).toBe("a b|$HOME|*||");
});

const missing = "/nowhere/check";
test.each<[() => string, string, string]>([
  [() => missing, "ENOENT", "no such file"],
  [() => tmpDir(), "EACCES", "is a directory"],
  [() => script("exit 0", 0o644), "EACCES", "not executable"],
  [() => badInterpreter(), "ENOENT", "its interpreter (#! line or loader) does not exist"],
  [() => plainText(), "ENOEXEC", "neither a binary for this machine nor a script with a #! line"],
  [() => "/bin/sh/x", "ENOTDIR", "not a directory"],
])("what cannot be run says why: %#", async (make, code, why) => {
  const path = make();
  const run = begin([path]);
  expect(await run.done).toEqual({ kind: "notRunnable", code, reason: `${path}: ${why}`, stderr: "" });
  expect(run.pid).toBeNull();
  await run.gone;
});

function badInterpreter(): string {
  const path = script("exit 0");
  writeFileSync(path, "#!/nowhere/sh\n");
  return path;
}

function plainText(): string {
  const path = script("exit 0");
  writeFileSync(path, "exit 0\n");
  return path;
}

test("too many arguments for the kernel are a reason, not an exception", async () => {
  expect(await begin(["/bin/true", "x".repeat(4_000_000)]).done).toMatchObject({
    kind: "notRunnable",
    code: "E2BIG",
    reason: "/bin/true: argument list too long",
  });
});

test("a program leads a session of its own, in /, with nothing to read", async () => {
  const run = sh("ps -o sid=,pgid= -p $$ >&2; pwd >&2; cat >&2; echo end >&2");
  expect((await run.done).stderr).toBe(`${run.pid} ${run.pid} / end`);
});

test("what it prints on stdout goes nowhere, and it inherits nothing else", async () => {
  const run = sh("[ /proc/$$/fd/1 -ef /dev/null ] && echo null >&2; exec ls /proc/self/fd >&2");
  // 3 is the directory that ls reads.
  expect((await run.done).stderr).toBe("null 0 1 2 3");
});

test("at the timeout it gets SIGTERM, and so do its children", async () => {
  const file = join(tmpDir(), "pid");
  const clock = new FakeClock();
  const run = sh(`sleep 60 & echo $! >${file}; wait`, { clock, timeoutMs: 1500 });
  const child = await until("the child", () => pidIn(file));
  clock.pass(1499);
  expect(alive(run.pid as number)).toBe(true);
  clock.pass(1);
  expect(await run.done).toEqual({ kind: "timedOut", timeoutMs: 1500, stderr: "" });
  await until("both to be gone", () => !alive(run.pid as number) && !alive(child));
});

test("what ignores SIGTERM is known to have timed out at once, and gets SIGKILL after 2 s", async () => {
  const file = join(tmpDir(), "pid");
  const clock = new FakeClock();
  const run = sh(`trap '' TERM; echo trapped >&2; echo $$ >${file}; while :; do sleep 0.01; done`, {
    clock,
    timeoutMs: 1000,
  });
  const pid = await until("the trap", () => pidIn(file));
  clock.pass(1000);
  expect(await run.done).toEqual({ kind: "timedOut", timeoutMs: 1000, stderr: "trapped" });
  clock.pass(1999);
  expect(alive(pid)).toBe(true);
  clock.pass(1);
  await run.gone;
  expect(alive(pid)).toBe(false);
  await until("no timer to be left", () => {
    clock.pass(250);
    return clock.pendingMs.length === 0;
  });
});

test("a child that ignores SIGTERM does not outlive the program that was killed", async () => {
  const file = join(tmpDir(), "pid");
  const clock = new FakeClock();
  const run = sh(`(trap '' TERM; sh -c 'echo $$' >${file}; while :; do sleep 0.01; done) & exec sleep 60`, { clock });
  await until("the child", () => pidIn(file));
  run.kill();
  expect((await run.done).kind).toBe("signalled");
  expect(alive(-(run.pid as number))).toBe(false);
  let gone = false;
  void run.gone.then(() => {
    gone = true;
  });
  clock.pass(1000);
  await Bun.sleep(0);
  expect(gone).toBe(false);
  clock.pass(1000);
  await run.gone;
  await until("the group to be empty", () => groupIsEmpty(run.pid as number));
});

function groupIsEmpty(pgid: number): boolean {
  return !readdirSync("/proc").some((pid) => {
    const fields = /\) (\S) \d+ (\d+) /.exec(readIfThere(`/proc/${pid}/stat`));
    return fields !== null && fields[1] !== "Z" && Number(fields[2]) === pgid;
  });
}

test("kill ends it, and is harmless before, after and again", async () => {
  const run = sh("exec sleep 60");
  run.kill();
  run.kill();
  expect(await run.done).toEqual({ kind: "signalled", signal: "SIGTERM", stderr: "" });
  await run.gone;
  run.kill();
  const missed = begin([missing]);
  missed.kill();
  expect((await missed.done).kind).toBe("notRunnable");
});

test("a program that ended in time has not timed out, even if we were frozen until after the timeout", async () => {
  const clock = new FakeClock();
  const run = sh("exit 3", { clock, timeoutMs: 100 });
  while (alive(run.pid as number)) Bun.sleepSync(1);
  clock.pass(100);
  expect(await run.done).toEqual({ kind: "exited", code: 3, stderr: "" });
});

test("a background child that holds stderr is not waited for, and outlives its next word", async () => {
  const dir = tmpDir();
  const go = join(dir, "go");
  const said = join(dir, "said");
  const run = sh(
    `(echo $(sh -c 'echo $PPID') >${dir}/pid; while [ ! -e ${go} ]; do sleep 0.01; done; echo late >&2 && echo ok >${said}) & echo early >&2`,
  );
  expect(await run.done).toMatchObject({ kind: "exited", code: 0 });
  await run.gone;
  await until("the child", () => pidIn(join(dir, "pid")));
  writeFileSync(go, "");
  await until("its second word", () => readIfThere(said) === "ok\n");
});

test("a talkative program neither waits for ever nor fills our memory", async () => {
  const run = sh("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo end >&2", { maxStderrBytes: 100 });
  expect(await run.done).toEqual({ kind: "exited", code: 0, stderr: "x".repeat(100) });
});

test("stderr is one printable line, cut between characters", async () => {
  const run = sh("printf '  one\\n\\ttwo\\033[31m\\342\\200\\250\\302\\205three \\342\\202\\254' >&2", {
    maxStderrBytes: 27,
  });
  expect((await run.done).stderr).toBe("one two?[31m ?three");
});

test("a program waits for its stderr rather than being told to try again", async () => {
  const flags = Number.parseInt((await sh("grep flags: /proc/$$/fdinfo/2 >&2").done).stderr.replace(/\D/g, ""), 8);
  expect(flags & constants.O_NONBLOCK).toBe(0);
});

test("a program opens /dev/stderr by its name", async () => {
  expect(await sh("echo hello >/dev/stderr").done).toEqual({ kind: "exited", code: 0, stderr: "hello" });
});

test.skipIf(!isRoot)("as another user it has that user's ids alone, and opens /dev/stderr too", async () => {
  const nobody = findUser("nobody");
  if (nobody === null) throw new Error("there is no user nobody");
  const run = sh("id -u >&2; id -G >&2; echo $USER $LOGNAME >/dev/stderr", { user: nobody });
  expect(await run.done).toEqual({
    kind: "exited",
    code: 0,
    stderr: `${nobody.uid} ${nobody.gid} nobody nobody`,
  });
});

test.skipIf(!isRoot)("and needs no capability for that but to become that user", async () => {
  const source = join(import.meta.dir, "../../src");
  const code = `
    import { systemClock } from "${source}/core/clock.ts";
    import { findUser } from "${source}/net/accounts.ts";
    import { runProgram } from "${source}/net/runProgram.ts";
    const options = { timeoutMs: 5000, user: findUser("nobody"), clock: systemClock, maxStderrBytes: 1000 };
    console.log((await runProgram(["/bin/sh", "-c", "echo hello >/dev/stderr"], options).done).stderr);
  `;
  const few = ["setpriv", "--inh-caps=-all", "--bounding-set=-all,+setuid,+setgid,+kill", "--"];
  const child = Bun.spawn([...few, process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" });
  expect(await new Response(child.stdout).text()).toBe("hello\n");
});

test.skipIf(!isRoot)("a script that only root may run is not run for another user", async () => {
  const path = script("exit 0", 0o700);
  expect(await begin([path], { user: findUser("nobody") }).done).toMatchObject({
    code: "EACCES",
    reason: `${path}: not executable by user nobody`,
  });
});

test("the environment is ours without what is only ours", () => {
  const ours = {
    LANG: "C",
    PATH: "/x",
    HOME: "/root",
    BUN_BE_BUN: "1",
    LD_PRELOAD: "/x.so",
    IFS: ":",
    BASH_ENV: "/x",
    NOTIFY_SOCKET: "/run/systemd/notify",
    LISTEN_FDS: "3",
    GONE: undefined,
  };
  expect(programEnvironment(ours, null)).toEqual({ LANG: "C", PATH: "/x", HOME: "/root" });
  expect(programEnvironment(ours, { name: "joe" }, { STATE: "MASTER" })).toEqual({
    LANG: "C",
    PATH: "/x",
    USER: "joe",
    LOGNAME: "joe",
    STATE: "MASTER",
  });
  expect(programEnvironment({}, null).PATH).toContain("/usr/bin");
});

test("a program sees that environment and what the caller adds", async () => {
  process.env.BUN_OF_TEST = "1";
  process.env.IFS = ":";
  atEnd(() => {
    delete process.env.BUN_OF_TEST;
    delete process.env.IFS;
  });
  const run = sh("env | grep -E '^(BUN_|IFS=|STATE=)' >&2", { env: { STATE: "MASTER" } });
  expect((await run.done).stderr).toBe("STATE=MASTER");
});

test.each([
  [{ kind: "exited", code: 1 }, "exit status 1"],
  [{ kind: "signalled", signal: "SIGSEGV" }, "killed by SIGSEGV"],
  [{ kind: "timedOut", timeoutMs: 2000 }, "timed out after 2s (killed)"],
  [{ kind: "timedOut", timeoutMs: 1500 }, "timed out after 1.5s (killed)"],
  [{ kind: "timedOut", timeoutMs: 250 }, "timed out after 250ms (killed)"],
  [{ kind: "notRunnable", code: "ENOENT", reason: "/x: no such file" }, "/x: no such file"],
] as const)("%p reads %s", (end, text) => {
  expect(endText(end)).toBe(text);
});
