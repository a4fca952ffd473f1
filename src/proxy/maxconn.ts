import { overruledBy } from "../pool/overrule.ts";
import type { ProcessBoard } from "../pool/processBoard.ts";
import type { SetLimit } from "./inheritance.ts";

/** Most connections of the process at a time: the file's, as far as its open files allow, unless somebody sets less. */
export class ProcessMaxconn {
  /** @param inFile what the file comes to */
  constructor(
    private readonly board: ProcessBoard,
    private inFile: number,
    inherited: SetLimit<number> | null,
  ) {
    board.maxconn = inherited?.inFile === inFile ? inherited.is : inFile;
  }

  /** Most that can be set: what the file comes to. */
  get hard(): number {
    return this.inFile;
  }

  get now(): SetLimit<number> {
    return { is: this.board.maxconn, inFile: this.inFile };
  }

  /** 1..{@link hard}. */
  set(maxconn: number): void {
    this.board.maxconn = maxconn;
  }

  /** What the file comes to from now on: when that is new it wins, which a sentence says. */
  follow(inFile: number): string[] {
    const { is, inFile: before } = this.now;
    if (inFile === before) return [];
    this.inFile = inFile;
    this.board.maxconn = inFile;
    return is === before || is === inFile ? [] : [`[global]: ${overruledBy("maxconn", is, inFile)}`];
  }
}
