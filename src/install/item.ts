/** Whose a file or directory is: user and group, each root or the service account. */
export type Owner = "root:root" | "root:service" | "service:service";

/** A text that is put on the host. */
export interface FileItem {
  kind: "file";
  path: string;
  content: string;
  mode: number;
  owner: Owner;
  /**
   * `configuration` is the administrator's: what is there stays, whoever wrote it. `settings` is updated unless it was
   * edited. `vendor` is nobody's to edit, and replaced.
   */
  role: "configuration" | "settings" | "vendor";
  /** Ending of the name that a new version gets beside an edited one: one that the reader of the directory ignores. */
  beside: string;
}

/** Something that has to be on the host, in words that do not depend on what is there now. */
export type Item =
  | { kind: "account"; name: string; home: string; shell: string }
  | { kind: "directory"; path: string; mode: number; owner: Owner }
  | FileItem
  | { kind: "program"; path: string; source: string; sha256: string; mode: number; owner: Owner }
  | { kind: "link"; path: string; target: string };

/** An item with a path. */
export type PathItem = Exclude<Item, { kind: "account" }>;

/** "root:haproxy-lite" for "root:service". */
export function ownerText(owner: Owner, account: string): string {
  return owner.replaceAll("service", account);
}
