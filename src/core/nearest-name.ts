/** Insertions, deletions, replacements and swaps of neighbors that turn one text into the other, at least. */
function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, j) => j);
  for (let i = 0; i < left.length; i++) {
    const current = [i + 1];
    for (let j = 0; j < right.length; j++) {
      const replaced = (previous[j] as number) + (left[i] === right[j] ? 0 : 1);
      const isSwap = i > 0 && j > 0 && left[i] === right[j - 1] && left[i - 1] === right[j];
      const swapped = isSwap ? (beforePrevious[j - 1] as number) + 1 : Infinity;
      current.push(Math.min(replaced, swapped, (previous[j + 1] as number) + 1, (current[j] as number) + 1));
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length] as number;
}

/** The known name that a mistyped one was probably meant to be; undefined if none is near. */
export function nearestName(typed: string, known: Iterable<string>): string | undefined {
  const wanted = typed.toLowerCase();
  let nearest: string | undefined;
  // Up to a third of the letters may be wrong: beyond that a suggestion misleads.
  let distance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const name of known) {
    const candidate = editDistance(wanted, name.toLowerCase());
    if (candidate < distance) {
      distance = candidate;
      nearest = name;
    }
  }
  return nearest;
}
