import type { Finding } from "./issue.ts";
import type { Path } from "./places.ts";
import { error, type Rule, type RuleContext, warning } from "./rules.ts";
import type { VrrpInstanceConfig } from "./schema.ts";

/** Errors and warnings about the programs that [vrrp] runs. */

/** A command of the file. `name` is the script's; null: a notification. */
interface Command {
  readonly path: Path;
  readonly name: string | null;
  readonly words: readonly string[];
}

const NOTIFICATIONS: Readonly<Record<keyof VrrpInstanceConfig["notify"], string>> = {
  any: "notify",
  master: "notify_master",
  backup: "notify_backup",
  fault: "notify_fault",
  stop: "notify_stop",
  deleted: "notify_deleted",
  masterRxLowerPri: "notify_master_rx_lower_pri",
};

function commands({ config, origin }: RuleContext): Command[] {
  const scripts = (config.vrrp?.scripts ?? []).map((script) => ({
    path: [...origin(script), "command"],
    name: script.name,
    words: script.command,
  }));
  const notifications = (config.vrrp?.instances ?? []).flatMap((instance) =>
    (Object.keys(NOTIFICATIONS) as (keyof typeof NOTIFICATIONS)[]).flatMap((event): Command[] => {
      const words = instance.notify[event];
      return words === null ? [] : [{ path: [...origin(instance), NOTIFICATIONS[event]], name: null, words }];
    }),
  );
  return [...scripts, ...notifications];
}

function isShellString(program: string, rest: readonly string[]): boolean {
  return rest.length === 0 && /\s/.test(program);
}

/** keepalived's script string was cut at blanks or given to a shell; a word with blanks is most often that habit. */
export const vrrpCommands: Rule = (context) =>
  commands(context).flatMap(({ path, words: [program = "", ...rest] }): Finding[] => {
    const key = String(path.at(-1));
    if (program === "") {
      return [error(path, "the command is empty", `write ${key} = ["/path/of/program", "argument"]`)];
    }
    if (isShellString(program, rest)) {
      const words = program
        .trim()
        .split(/\s+/)
        .map((word) => JSON.stringify(word))
        .join(", ");
      const message = "no shell takes a command apart: this would be the name of one program";
      return [error(path, message, `write ${key} = [${words}]`, program)];
    }
    return program.startsWith("/")
      ? []
      : [error(path, `${program} is no absolute path`, "write where the program is, as in /usr/bin/ping", program)];
  });

/** A warning only: what is missing now may be installed before it is needed. */
export const vrrpPrograms: Rule = (context) => {
  const { programProblem, accounts } = context.environment;
  const programs = commands(context).flatMap(({ path, name, words: [program = "", ...rest] }): Finding[] => {
    const judged = program.startsWith("/") && !isShellString(program, rest);
    const problem = judged ? programProblem?.(program) : null;
    if (problem == null) return [];
    const effect = name === null ? "this notification will fail" : `${name} counts as failed while that is so`;
    const hint = name === null ? "mend that" : "mend that (keepalived would count it as healthy)";
    return [warning([...path, 0], `${program} ${problem}: ${effect}`, hint, program)];
  });
  const users = (context.config.vrrp?.scripts ?? []).flatMap((script): Finding[] => {
    const { user, name } = script;
    if (user === null || accounts === undefined || accounts.users.has(user)) return [];
    const message = `this machine has no user "${user}": ${name} counts as failed while that is so`;
    return [warning([...context.origin(script), "user"], message, `useradd --system --no-create-home ${user}`, user)];
  });
  return [...programs, ...users];
};
