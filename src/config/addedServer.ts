import { merge, type Raw } from "./inherit.ts";
import type { ListenConfig, ServerConfig } from "./schema.ts";
import { serverSchema } from "./serverSchema.ts";
import { zodFindings } from "./zodFindings.ts";

/** A server as somebody describes it at run time. */
export interface ServerWords {
  readonly name: string;
  /** As the file has it: "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path", "host:80". */
  readonly address: string;
  /** Further keys of a server, as the file has them. */
  readonly keys: Raw;
}

/**
 * A server of a listen as if it stood in the file, with all that its listen hands down, but in maintenance; or what is wrong
 * with it, in one line. Its name may still have to be resolved.
 */
export function readAddedServer(
  { serverDefaults }: Pick<ListenConfig, "serverDefaults">,
  { name, address, keys }: ServerWords,
): ServerConfig | string {
  const raw = merge(serverDefaults, { ...keys, name, address });
  const result = serverSchema.safeParse(raw);
  if (result.success) return { ...result.data, disabled: true };
  const [first] = zodFindings(result.error, raw);
  if (first === undefined) return `server ${name} is not valid`;
  return `${first.path.join(".")}: ${first.message}${first.hint === "" ? "" : `: ${first.hint}`}`;
}
