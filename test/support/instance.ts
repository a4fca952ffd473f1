import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, type Exit, type Result, type Running, run, type StartOptions, start } from "./process.ts";
import { tmpDir } from "./tmp.ts";

export interface ProxyOptions extends StartOptions {
  /** Further arguments of `serve`. */
  args?: string[];
  /** Prefix of the command line, e.g. `ns.inside([])` or `["strace", "-f"]`. */
  inside?: string[];
  /** The executable, to be replaced while it runs; default: the product's. */
  program?: string;
  /** Longest wait for the listeners; default 10 s. */
  timeoutMs?: number;
}

/** A running `haproxy-lite serve` of the compiled binary. */
export interface Proxy {
  /** Pid of the supervisor. */
  readonly pid: number;
  readonly process: Running;
  /** Directory of its own, with the configuration file; gone with the test. */
  readonly dir: string;
  readonly configFile: string;
  readonly adminSocket: string;
  /** stdout and stderr so far. */
  output(): string;
  /** Graceful stop by SIGTERM; see `Running.stop`. */
  stop(options?: { signal?: NodeJS.Signals; timeoutMs?: number }): Promise<Exit>;
  /** Runs the compiled binary's `status` on this proxy. */
  status(...args: string[]): Promise<Result>;
  /** `status --json`, parsed; throws what it said when that is not JSON. */
  statusJson<T = unknown>(): Promise<T>;
}

/**
 * Writes the configuration into a directory of its own, runs `dist/haproxy-lite serve` on it and waits until
 * every listener is live. An `[admin]` socket inside that directory is added unless the text names one.
 * Fails with the whole output when it does not get there. Stopped when the test ends.
 */
export async function startProxy(toml: string, options: ProxyOptions = {}): Promise<Proxy> {
  const dir = tmpDir();
  const configFile = join(dir, "haproxy-lite.toml");
  const { text, socket: adminSocket } = withAdminSocket(toml, join(dir, "admin.sock"));
  writeFileSync(configFile, text);
  const { args = [], inside = [], program = binary(), timeoutMs, ...startOptions } = options;
  const running = start([...inside, program, "serve", "-c", configFile, ...args], startOptions);
  await running.waitFor(/\bready\b/, timeoutMs === undefined ? {} : { timeoutMs });
  const status = (...more: string[]): Promise<Result> =>
    run([...inside, binary(), "status", "--socket", adminSocket, ...more], startOptions);
  return {
    pid: running.pid,
    process: running,
    dir,
    configFile,
    adminSocket,
    output: running.output,
    stop: running.stop,
    status,
    async statusJson<T>() {
      const said = await status("--json");
      try {
        return JSON.parse(said.stdout) as T;
      } catch (cause) {
        throw new Error(`status --json exited with ${said.code}:\n${said.stdout}${said.stderr}`, { cause });
      }
    },
  };
}

/** The configuration with an admin socket, and where that is. */
function withAdminSocket(toml: string, path: string): { text: string; socket: string } {
  const parsed = Bun.TOML.parse(toml) as { admin?: { socket?: string } };
  if (parsed.admin?.socket !== undefined) return { text: toml, socket: parsed.admin.socket };
  const line = `socket = ${JSON.stringify(path)}`;
  if (parsed.admin === undefined) return { text: `${toml}\n[admin]\n${line}\n`, socket: path };
  return { text: toml.replace(/^\s*\[admin\].*$/m, `$&\n${line}`), socket: path };
}
