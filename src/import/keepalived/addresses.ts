import { hostPartProblem, virtualIp } from "../../config/vrrpAddress.ts";
import type { Ledger } from "../ledger.ts";
import { type Statement, texts, wordAt } from "../source.ts";
import type { Block } from "./blocks.ts";

/** An address as our file has it. */
export interface AddressDraft {
  readonly text: string;
  readonly from: Statement;
  /** The statement of the list that it stands in. */
  readonly list: Statement;
}

/** The addresses of an instance, by whether adverts carry them. */
export interface VirtualAddresses {
  readonly own: AddressDraft[];
  readonly excluded: AddressDraft[];
}

/** Words of an address, and how many arguments they take. */
const OPTIONS: Readonly<Record<string, number>> = {
  dev: 1,
  label: 1,
  scope: 1,
  brd: 1,
  broadcast: 1,
  peer: 1,
  noprefixroute: 0,
  no_track: 0,
  home: 0,
  autojoin: 0,
  "-nodad": 0,
  nodad: 0,
  mngtmpaddr: 0,
  preferred_lft: 1,
  track_group: 1,
  use_vmac: 0,
};

/** Reads virtual_ipaddress or virtual_ipaddress_excluded. */
export function readVirtualAddresses(
  statement: Block,
  device: string,
  addresses: VirtualAddresses,
  ledger: Ledger,
): void {
  const list = wordAt(statement, 0) === "virtual_ipaddress" ? addresses.own : addresses.excluded;
  // Some write it without braces.
  const rows =
    statement.block ?? (statement.words.length > 1 ? [{ ...statement, words: statement.words.slice(1) }] : []);
  for (const row of rows) readRow(row, statement, device, addresses, list, ledger);
}

function readRow(
  row: Statement,
  statement: Statement,
  device: string,
  all: VirtualAddresses,
  list: AddressDraft[],
  ledger: Ledger,
): void {
  const words = texts(row);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (Object.hasOwn(OPTIONS, word)) {
      const value = words[at + 1] ?? "";
      if (word === "dev" && value !== device && device !== "") {
        list.splice(0, list.length, ...list.filter(({ from }) => from !== row));
        ledger.leftOut(
          row,
          `it lives on ${value}: addresses of an instance live on its own interface`,
          "a [vrrp.instance.NAME] with that interface in the same sync_group",
          true,
        );
        return;
      }
      if (!["dev", "scope", "brd", "broadcast", "home", "nodad", "-nodad"].includes(word)) {
        ledger.partLeftOut({ line: row.line, word: row.words[at] }, `an address is plain: it has no ${word}`);
      }
      at += OPTIONS[word] as number;
      continue;
    }
    if (!add(word, row, statement, all, list, ledger)) return;
  }
}

function add(
  text: string,
  row: Statement,
  statement: Statement,
  all: VirtualAddresses,
  list: AddressDraft[],
  ledger: Ledger,
): boolean {
  const reading = virtualIp.safeParse(text);
  if (!reading.success) {
    ledger.leftOut(
      row,
      `${text} is not an address that a host can own`,
      'an IP address with its prefix length, as in "192.0.2.100/24"',
      true,
    );
    return false;
  }
  const problem = hostPartProblem(reading.data);
  if (problem?.fatal === true) {
    ledger.leftOut(row, problem.message, problem.hint, true);
    return false;
  }
  const host = reading.data.address;
  if ([...all.own, ...all.excluded].some((other) => other.text.split("/")[0] === host))
    ledger.mark(row.line, "default");
  else list.push({ text, from: row, list: statement });
  return true;
}
