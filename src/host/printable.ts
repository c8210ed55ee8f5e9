const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;
const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu');

/** Text without control and direction characters and line ends, which could change what a terminal shows. */
export function withoutControls(text: string): string {
  if (!UNPRINTABLE.test(text)) return text;
  return text.replace(
    EACH_UNPRINTABLE,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
