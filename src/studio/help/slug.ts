/** The anchor of a heading as GitHub makes it: `Read the report` → `read-the-report`. */
export function slugOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
