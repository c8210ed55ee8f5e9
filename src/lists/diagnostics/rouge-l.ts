/**
 * ROUGE-L: the F1 of the longest common subsequence of two texts' words, from 0 to 1; 0 where either has none.
 * Source: Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries", with β = 1 and no stemming.
 */
export function rougeL(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return 0;
  return (2 * longestCommonSubsequence(left, right)) / (left.length + right.length);
}

/** Its length, in memory of one row of the table. */
function longestCommonSubsequence(left: readonly string[], right: readonly string[]): number {
  const lengths = new Int32Array(right.length + 1);
  for (const word of left) {
    let diagonal = 0;
    for (let j = 1; j <= right.length; j++) {
      const above = lengths[j] as number;
      lengths[j] = word === right[j - 1] ? diagonal + 1 : Math.max(above, lengths[j - 1] as number);
      diagonal = above;
    }
  }
  return lengths[right.length] as number;
}
