/**
 * What must not reach a program that we run: what steers our own runtime or speaks of our own descriptors and service
 * manager, and what changes how a shell or the loader reads its input.
 */
const WITHHELD =
  /^(BUN_.*|LD_.*|NODE_.*|IFS|ENV|BASH_ENV|BASH_FUNC_.*|SHELLOPTS|NOTIFY_SOCKET|WATCHDOG_.*|LISTEN_(FDS|FDNAMES|PID))$/;

/** Where the daemon's own environment has none. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The environment of a program that we run: ours without what is only ours, then `added`. For another `user` also USER and
 * LOGNAME; HOME is left out then, for it is not theirs (shells look it up).
 */
export function programEnvironment(
  ours: Readonly<Record<string, string | undefined>>,
  user: { readonly name: string } | null,
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const env: Record<string, string> = { PATH };
  for (const [name, value] of Object.entries(ours)) if (value !== undefined && !WITHHELD.test(name)) env[name] = value;
  if (user !== null) {
    delete env.HOME;
    env.USER = user.name;
    env.LOGNAME = user.name;
  }
  return { ...env, ...added };
}
