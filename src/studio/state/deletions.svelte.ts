import { problemOf, type Problem } from './problem.ts';

/** Something that the user asked to delete. */
export interface Deletion {
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Deletes it for good. */
  readonly commit: () => Promise<void>;
  /** Takes back what the page has done meanwhile as if it were deleted. */
  readonly undo?: (() => void) | undefined;
}

/** How long a deletion can be undone, in milliseconds. */
const patience = 10_000;

/**
 * What was deleted a moment ago: it is hidden at once and deleted after ten seconds, unless the user undoes it. Where
 * the page is closed before that, it stays.
 */
export class Deletions {
  /** The last one, while it can be undone. */
  pending = $state.raw<Deletion | undefined>();
  /** Why the last one could not be deleted. */
  problem = $state.raw<Problem | undefined>();
  /** Ids of those that are being deleted. */
  #going = $state.raw<readonly string[]>([]);
  readonly #mayCommit: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param mayCommit not while a training may be reading what would be deleted */
  constructor(mayCommit: () => boolean) {
    this.#mayCommit = mayCommit;
  }

  hides(id: string): boolean {
    return this.pending?.id === id || this.#going.includes(id);
  }

  /** Another one, asked for before, can then no longer be undone. */
  ask(deletion: Deletion): void {
    void this.#commit();
    this.problem = undefined;
    this.pending = deletion;
    this.release();
  }

  /** The user is about to decide: the time stands still. */
  hold(): void {
    clearTimeout(this.#timer);
  }

  /** The time runs, from its beginning. */
  release(): void {
    clearTimeout(this.#timer);
    if (this.pending === undefined) return;
    this.#timer = setTimeout(() => {
      if (this.#mayCommit()) void this.#commit();
      else this.release();
    }, patience);
  }

  undo(): void {
    this.hold();
    const { pending } = this;
    this.pending = undefined;
    pending?.undo?.();
  }

  async #commit(): Promise<void> {
    this.hold();
    const { pending } = this;
    if (pending === undefined) return;
    this.#going = [...this.#going, pending.id];
    this.pending = undefined;
    try {
      await pending.commit();
    } catch (error) {
      this.problem = problemOf(error);
      pending.undo?.();
    } finally {
      this.#going = this.#going.filter((id) => id !== pending.id);
    }
  }
}
