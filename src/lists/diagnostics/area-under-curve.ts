/**
 * The area under the ROC curve: the chance that a random member of the class scores above a random other, ties
 * counting half (the Mann–Whitney statistic).
 *
 * @param isMember 1 for members of the class, as long as `scores`
 * @returns NaN where one of the two has no members
 */
export function areaUnderCurve(scores: ArrayLike<number>, isMember: ArrayLike<number>): number {
  const order = Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => (scores[a] as number) - (scores[b] as number),
  );
  let members = 0;
  let rankSum = 0;
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && scores[order[to] as number] === scores[order[from] as number]) to++;
    // Ranks are counted from 1; equal scores share the mean of theirs.
    const rank = (from + 1 + to) / 2;
    for (const at of order.slice(from, to)) {
      if (isMember[at] !== 1) continue;
      members++;
      rankSum += rank;
    }
    from = to;
  }
  const others = order.length - members;
  return members === 0 || others === 0 ? NaN : (rankSum - (members * (members + 1)) / 2) / (members * others);
}
