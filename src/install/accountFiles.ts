/** Users, one a line: passwd(5). */
export const PASSWD = "/etc/passwd";
/** Groups, one a line: group(5). */
export const GROUP = "/etc/group";
/** Files that an account cannot do without. */
export const ACCOUNT_FILES: readonly string[] = [PASSWD, GROUP];

/** System accounts get the highest free id, down to here (login.defs: SYS_UID_MIN of RHEL). */
const HIGHEST_SYSTEM_ID = 999;
const LOWEST_SYSTEM_ID = 201;

/** Texts of account files by path; a file that is not there is not in it. */
export type AccountTexts = ReadonlyMap<string, string>;

/** What an account is to be. */
export interface AccountWish {
  name: string;
  home: string;
  shell: string;
}

/** The id in the third field of the line of that name; null: no such line. */
export function idOf(text: string | undefined, name: string): number | null {
  const line = linesOf(text).find((each) => each.startsWith(`${name}:`));
  const id = Number(line?.split(":")[2]);
  return line === undefined || !Number.isInteger(id) ? null : id;
}

/**
 * The account files of a tree with a system account in them: what useradd and groupadd would do, without running anything of
 * that tree. Only changed files are in the result. Throws RangeError when no id is free.
 */
export function withAccount(texts: AccountTexts, { name, home, shell }: AccountWish): Map<string, string> {
  const [passwd, group] = [texts.get(PASSWD), texts.get(GROUP)];
  const changed = new Map<string, string>();
  const add = (path: string, line: string, orElse: boolean): void => {
    const text = texts.get(path);
    if (text !== undefined || orElse)
      changed.set(path, `${text === undefined || text === "" ? "" : ended(text)}${line}\n`);
  };
  const taken = new Set([...linesOf(passwd), ...linesOf(group)].map((line) => Number(line.split(":")[2])));
  const uid = idOf(passwd, name) ?? freeId(taken);
  let gid = idOf(group, name);
  if (gid === null) {
    // The same number for both, where that is free.
    gid =
      idOf(passwd, name) !== null && taken.has(uid) && linesOf(group).some((l) => l.split(":")[2] === String(uid))
        ? freeId(taken)
        : uid;
    add(GROUP, `${name}:x:${gid}:`, true);
    add("/etc/gshadow", `${name}:!::`, false);
  }
  if (idOf(passwd, name) === null) {
    add(PASSWD, `${name}:x:${uid}:${gid}:${name}:${home}:${shell}`, true);
    add("/etc/shadow", `${name}:!!:::::::`, false);
  }
  return changed;
}

/** The account files without the user and the group of that name; only changed files are in the result. */
export function withoutAccount(
  texts: AccountTexts,
  name: string,
  which: { user: boolean; group: boolean },
): Map<string, string> {
  const paths = [...(which.user ? [PASSWD, "/etc/shadow"] : []), ...(which.group ? [GROUP, "/etc/gshadow"] : [])];
  const changed = new Map<string, string>();
  for (const path of paths) {
    const text = texts.get(path);
    const left = text
      ?.split("\n")
      .filter((line) => !line.startsWith(`${name}:`))
      .join("\n");
    if (left !== undefined && left !== text) changed.set(path, left);
  }
  return changed;
}

function freeId(taken: ReadonlySet<number>): number {
  for (let id = HIGHEST_SYSTEM_ID; id >= LOWEST_SYSTEM_ID; id--) if (!taken.has(id)) return id;
  throw new RangeError(`no free system id from ${LOWEST_SYSTEM_ID} to ${HIGHEST_SYSTEM_ID}`);
}

function linesOf(text: string | undefined): string[] {
  return (text ?? "").split("\n").filter((line) => line !== "");
}

function ended(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
