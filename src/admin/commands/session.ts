import { type AdminCommand, type AdminLevel, allows, type Reply, refused, told } from "../command.ts";
import { always, byWords, matching, usageLines } from "../protocol.ts";
import type { AdminSession, SeverityOutput } from "../session.ts";

/** Longest `set timeout cli`: what a timer can count. */
const LONGEST_IDLE_S = 2_147_483;

/** Commands about the client's own connection. `others`: all the other commands, for help. */
export function sessionCommands(others: readonly AdminCommand[]): AdminCommand[] {
  const commands: AdminCommand[] = [
    modeSwitch("experimental-mode"),
    modeSwitch("expert-mode"),
    lowering("operator"),
    {
      words: ["set", "severity-output"],
      usage: "set severity-output [none|number|string]",
      summary: "set presence of severity level in feedback information",
      level: "user",
      run: ([output = ""], session) => setSeverityOutput(output, session),
    },
    {
      words: ["set", "timeout"],
      usage: "set timeout [cli] <delay>",
      summary: "change a timeout setting",
      level: "user",
      run: (args, session) => setTimeoutOf(args, session),
    },
    {
      words: ["show", "cli", "level"],
      usage: "show cli level",
      summary: "display the level of the current CLI session",
      level: "user",
      run: (_args, { level }) => told(level),
    },
    lowering("user"),
    {
      words: ["help"],
      usage: "help [<command>]",
      summary: "list matching or all commands",
      level: "user",
      run: (args, session) => told(helpText(args, [...others, ...commands], session)),
    },
    {
      words: ["prompt"],
      usage: "prompt",
      summary: "toggle interactive mode with prompt",
      level: "user",
      run(_args, session) {
        session.prompt = !session.prompt;
        return "";
      },
    },
    {
      words: ["quit"],
      usage: "quit",
      summary: "disconnect",
      level: "user",
      run(_args, session) {
        session.left = true;
        return "";
      },
    },
  ];
  return commands;
}

/** What HAProxy wants to hear before some of its commands, which need nothing of the kind here; as there, help keeps it to itself. */
function modeSwitch(word: string): AdminCommand {
  return { words: [word], usage: "", summary: "", level: "admin", run: () => "" };
}

function lowering(level: AdminLevel): AdminCommand {
  return {
    words: [level],
    usage: level,
    summary: `lower the level of the current CLI session to ${level}`,
    level,
    run(_args, session) {
      if (allows(session.level, level)) session.level = level;
      return "";
    },
  };
}

function setSeverityOutput(output: string, session: AdminSession): Reply {
  const outputs: readonly SeverityOutput[] = ["none", "number", "string"];
  const known = outputs.find((each) => each === output);
  if (known === undefined) return refused("one of 'none', 'number', 'string' is a required argument");
  session.severityOutput = known;
  return "";
}

function setTimeoutOf([what, delay]: readonly string[], session: AdminSession): Reply {
  if (what !== "cli") return refused("'set timeout' only supports 'cli'.");
  if (delay === undefined) return refused("Expects an integer value.");
  const seconds = /^\d{1,9}$/.test(delay) ? Number(delay) : 0;
  if (seconds === 0) return refused("Invalid timeout value.");
  session.idleMs = Math.min(seconds, LONGEST_IDLE_S) * 1000;
  return "";
}

function helpText(words: readonly string[], commands: readonly AdminCommand[], session: AdminSession): string {
  const listed = [...new Set([...matching(words, commands, session), ...always(commands)])].toSorted(byWords);
  return `The following commands are valid at this level:\n${usageLines(listed).trimEnd()}`;
}
