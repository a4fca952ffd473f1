// FNV-1a, 32 bit (draft-eastlake-fnv).
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** 32-bit FNV-1a of bytes[from…]; the same in every process and on every machine. */
export function hashBytes(bytes: Uint8Array, from = 0): number {
  let hash = FNV_OFFSET;
  for (let i = from; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] as number), FNV_PRIME);
  return hash >>> 0;
}

/** Spreads every input bit over all 32 output bits (MurmurHash3's finaliser); a bijection, result unsigned. */
export function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
