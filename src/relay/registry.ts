/** Something that a {@link Registry} holds; `place` is the registry's business. */
export interface Registered {
  place: number;
}

/** The live sessions of a listen in one thread: joining and leaving are a few assignments, the order means nothing. */
export class Registry<T extends Registered> {
  private readonly members: T[] = [];

  get size(): number {
    return this.members.length;
  }

  add(member: T): void {
    member.place = this.members.length;
    this.members.push(member);
  }

  /** Call once, for a member. */
  remove(member: T): void {
    const last = this.members.pop() as T;
    if (last === member) return;
    this.members[member.place] = last;
    last.place = member.place;
  }

  /** A copy: members may leave while it is gone through. */
  all(): T[] {
    return [...this.members];
  }
}
