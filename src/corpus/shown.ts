/** Text from files as it may stand in a message: without control and direction characters, and short. */
export function printable(text: string, limit = 80): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** {@link printable} in quotation marks. */
export function quoted(text: string): string {
  return `"${printable(text)}"`;
}
