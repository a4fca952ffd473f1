/** A small repeatable generator (mulberry32): the seed of a failing run can be used again. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Bytes that do not repeat in any period a buffer might have. */
export function randomBytes(length: number, random: () => number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(Math.floor(random() * 0x1_0000_0000), at);
  return bytes;
}

/** Cuts bytes into pieces of very different sizes: single bytes, packets, megabytes. */
export function pieces(bytes: Buffer, random: () => number): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = Math.max(1, Math.floor(2 ** (random() * 21)));
    cut.push(bytes.subarray(at, at + size));
    at += size;
  }
  return cut;
}
