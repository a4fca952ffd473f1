import { type Host, type Lan, makeLan } from "./lan.ts";
import type { Kind, Node } from "./node.ts";
import { type OurNode, type OurWishes, startOurs } from "./ours.ts";
import { waitForOwner } from "./owners.ts";
import { type Profile, startNode, V3 } from "./profiles.ts";
import { record, type Wire } from "./wire.ts";

/** What {@link standOf} made: the LAN, its recorder, ours as MASTER on A, and whoever stands by on B. */
export interface Stand {
  lan: Lan;
  wire: Wire;
  first: OurNode;
  second: Node | null;
}

/** How to make a {@link Stand}. */
export interface StandWishes {
  profile?: Profile;
  /** Who stands by; null: nobody. Default: one of ours. */
  second?: Kind | null;
  /** For ours on A, and on B if that is ours. */
  a?: Partial<OurWishes>;
  b?: Partial<OurWishes>;
}

/** A pair whose first router is ours and has been elected; version 3 at 100 ms, where tests wait least, unless said otherwise. */
export async function standOf({ profile = V3, second: kind = "haproxy-lite", a, b }: StandWishes = {}): Promise<Stand> {
  const lan = await makeLan();
  const wire = await record(lan);
  const second =
    kind === null
      ? null
      : kind === "keepalived"
        ? await startNode(kind, profile, lan.b, "second")
        : await startRouter(lan.b, profile, "second", b);
  const first = await startRouter(lan.a, profile, "first", a);
  await waitForOwner(lan, lan.a, { address: profile.vip });
  return { lan, wire, first, second };
}

/** One of ours by a profile; `instance` lines are added to the profile's. */
export function startRouter(
  host: Host,
  profile: Profile,
  rank: "first" | "second",
  { instance = "", ...wishes }: Partial<OurWishes> = {},
): Promise<OurNode> {
  return startOurs(host, { ...wishes, instance: `${profile.ours(host, rank)}\n${instance}` });
}
