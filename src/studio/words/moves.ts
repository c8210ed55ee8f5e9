import type { FoundPassage } from '../protocol.ts';

/** How a passage stands in one ranking as against another. */
export type Move =
  | { readonly kind: 'up' | 'down'; readonly places: number; readonly otherRank: number }
  | { readonly kind: 'same' }
  /** It is in this ranking and not in the other. */
  | { readonly kind: 'alone' };

/** @param other the best passages of the other ranking; how it goes on below them is not known */
export function moveOf(passage: FoundPassage, other: readonly FoundPassage[]): Move {
  const twin = other.find(({ id }) => id === passage.id);
  if (twin === undefined) return { kind: 'alone' };
  const places = twin.rank - passage.rank;
  if (places === 0) return { kind: 'same' };
  return { kind: places > 0 ? 'up' : 'down', places: Math.abs(places), otherRank: twin.rank };
}

/** The mark beside a passage after training, and the same in words. */
export function moveAfter(move: Move, shown: number): { readonly mark: string; readonly words: string } {
  switch (move.kind) {
    case 'up':
      return { mark: `↑ ${move.places}`, words: `up ${move.places}, from place ${move.otherRank}` };
    case 'down':
      return { mark: `↓ ${move.places}`, words: `down ${move.places}, from place ${move.otherRank}` };
    case 'same':
      return { mark: '=', words: 'same place' };
    case 'alone':
      return { mark: '↑ new', words: `new: was below place ${shown}` };
  }
}

/** The mark beside a passage before training. */
export function moveBefore(move: Move, shown: number): { readonly mark: string; readonly words: string } {
  switch (move.kind) {
    case 'up':
      return { mark: `→ ${move.otherRank}`, words: `falls to place ${move.otherRank}` };
    case 'down':
      return { mark: `→ ${move.otherRank}`, words: `rises to place ${move.otherRank}` };
    case 'same':
      return { mark: '=', words: 'same place' };
    case 'alone':
      return { mark: '→ out', words: `leaves the best ${shown}` };
  }
}
