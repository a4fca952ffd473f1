import { ptr } from "bun:ffi";

/** One instruction of a classic BPF program: code, jump offsets when true and when false, operand. */
export type FilterInstruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/** Operation codes (linux/bpf_common.h). */
export const LOAD_BYTE = 0x30;
export const LOAD_HALF = 0x28;
export const JUMP_IF_EQUAL = 0x15;
export const JUMP_IF_ANY_SET = 0x45;
export const RETURN = 0x06;

/** A program as the kernel wants it; `descriptor` points to `code`, which must live as long. */
export interface EncodedFilter {
  readonly code: DataView;
  readonly descriptor: Uint8Array;
}

/**
 * ```
 * struct sock_filter  u16 code | u8 jt | u8 jf | u32 k     8 bytes
 * struct sock_fprog   u16 count | padding | pointer at 8  16 bytes
 * ```
 */
export function encodeFilter(program: readonly FilterInstruction[]): EncodedFilter {
  const code = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, [operation, ifTrue, ifFalse, operand]] of program.entries()) {
    code.setUint16(index * 8, operation, true);
    code.setUint8(index * 8 + 2, ifTrue);
    code.setUint8(index * 8 + 3, ifFalse);
    code.setUint32(index * 8 + 4, operand, true);
  }
  const descriptor = new DataView(new ArrayBuffer(16));
  descriptor.setUint16(0, program.length, true);
  descriptor.setBigUint64(8, BigInt(ptr(code)), true);
  return { code, descriptor: new Uint8Array(descriptor.buffer) };
}
