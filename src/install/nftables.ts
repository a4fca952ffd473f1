/** What `nft -j list chains` says of a chain, as far as we ask. */
interface NftChain {
  readonly family?: unknown;
  readonly table?: unknown;
  readonly name?: unknown;
  readonly type?: unknown;
  readonly hook?: unknown;
}

/** Families whose chains see packets of IP. */
const FAMILIES: readonly unknown[] = ["inet", "ip", "ip6"];

/**
 * The chains that judge what comes in, as "FAMILY TABLE CHAIN", from the output of `nft -j list chains`; not those that
 * firewalld keeps, or iptables where it is only a face of nftables. Empty for what nobody can read.
 */
export function parseNftInputChains(output: string): string[] {
  try {
    const { nftables } = JSON.parse(output) as { nftables: readonly { readonly chain?: NftChain }[] };
    return nftables.flatMap(({ chain }) =>
      chain !== undefined && judgesInput(chain) && !isAnothers(chain)
        ? [`${chain.family} ${chain.table} ${chain.name}`]
        : [],
    );
  } catch {
    return [];
  }
}

function judgesInput({ family, type, hook }: NftChain): boolean {
  return FAMILIES.includes(family) && type === "filter" && hook === "input";
}

function isAnothers({ family, table, name }: NftChain): boolean {
  return table === "firewalld" || (family !== "inet" && table === "filter" && name === "INPUT");
}
