import type { CommandSurface, FlagSurface } from "../surface.ts";

/** Values that are paths. */
const PATHS: readonly string[] = ["FILE", "FILE2", "OTHER", "PATH"];

const reply = (what: string): string => `            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen ${what} -- "$current")\n`;
const FILES = reply("-f");

/** The bash completion: commands, flags of each command, and files or directories where a flag or the command itself takes one. */
export function completion(commands: readonly CommandSurface[]): string {
  const names = commands.map(({ name }) => name);
  return `# bash completion for haproxy-lite

_haproxy_lite() {
    local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} flags
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "${[...names, "--help", "--version"].join(" ")}" -- "$current")
        return
    fi
    case \${COMP_WORDS[1]}:$previous in
${commands.flatMap(valueCases).join("\n")}
    esac
    case \${COMP_WORDS[1]} in
${commands.map(({ name, flags }) => `        ${name}) flags="${[...flags.flatMap(({ spellings }) => spellings), "--help"].join(" ")}" ;;`).join("\n")}
        *) return ;;
    esac
${fileOperands(commands)}    mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
}

complete -F _haproxy_lite haproxy-lite
`;
}

/** Files for the commands that take some, once what is typed does not begin like a flag. */
function fileOperands(commands: readonly CommandSurface[]): string {
  const takers = commands.filter(({ operands }) =>
    operands.some((operand) => PATHS.includes(operand.split(" ")[0] ?? "")),
  );
  if (takers.length === 0) return "";
  return `    case \${COMP_WORDS[1]}:$current in
        *:-*) ;;
        ${takers.map(({ name }) => `${name}:*`).join(" | ")})
${FILES}            return
            ;;
    esac
`;
}

/** One arm for all flags of a command whose values are completed alike. */
function valueCases({ name, flags }: CommandSurface): string[] {
  const arm = (chosen: readonly FlagSurface[], action: string): string[] => {
    const patterns = chosen.flatMap(({ spellings }) => spellings).map((spelling) => `${name}:${spelling}`);
    return patterns.length === 0
      ? []
      : [`        ${patterns.join(" | ")})\n${action}            return\n            ;;`];
  };
  const valued = flags.filter(({ value }) => value !== null);
  const isPath = ({ value }: FlagSurface): boolean => PATHS.includes(value ?? "");
  return [
    ...arm(valued.filter(isPath), FILES),
    ...arm(
      valued.filter(({ value }) => value === "DIR"),
      reply("-d"),
    ),
    ...arm(
      valued.filter((flag) => !isPath(flag) && flag.value !== "DIR"),
      "",
    ),
  ];
}
