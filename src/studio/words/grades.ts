/** What the grades 0 to 3 mean, of the demo's judgments and of the user's own; other corpora have grades of their own. */
export const gradeMeanings = ['not relevant', 'same topic', 'answers in part', 'answers fully'] as const;

/**
 * A judgment in words.
 * @param grade undefined where nobody judged the passage for the query
 * @param isDemo whether the grades are the demo's, 0 to 3
 */
export function gradeText(grade: number | undefined, isDemo: boolean): string {
  if (grade === undefined) return 'not judged';
  const meaning = isDemo ? gradeMeanings[grade] : grade > 0 ? 'relevant' : 'not relevant';
  return meaning === undefined ? `grade ${grade}` : `grade ${grade}: ${meaning}`;
}

/** Which of the four colors a grade has; undefined for none. */
export function gradeColor(grade: number | undefined): 0 | 1 | 2 | 3 | undefined {
  if (grade === undefined) return undefined;
  if (grade <= 0) return 0;
  if (grade >= 3) return 3;
  return grade >= 2 ? 2 : 1;
}
