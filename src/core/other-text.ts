/** Makes untrusted text (of a corpus, a recipe, a server) safe for terminals, Markdown and messages. */

/** Control, direction and other invisible characters, except the two joiners that some scripts need. */
const unprintable = /(?!\u200c|\u200d)[\p{C}\p{Zl}\p{Zp}]/gu;

/** One line of text without characters that move the cursor, ring, or turn the direction of what follows. */
export function printableText(text: string): string {
  return text.replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** JSON of the same value that can be shown in a terminal. */
export function printableJson(json: string): string {
  return json.replace(unprintable, (character) =>
    Array.from(character.split(''), (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  );
}

/** One line of text in which Markdown and HTML find nothing of theirs; for what does not begin a paragraph. */
export function inlineMarkdown(text: string): string {
  return text
    .replace(/[\s\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(unprintable, '')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|#~$]/g, '\\$&');
}

/** {@link inlineMarkdown} that is a paragraph, and neither a list nor the line below a heading. */
export function markdownParagraph(text: string): string {
  return inlineMarkdown(text)
    .trim()
    .replace(/^[-+=]/, '\\$&')
    .replace(/^(\d+)([.)])/, '$1\\$2');
}

/** Maximum UTF-16 units of a value repeated whole, of the kept part of a longer one, and of a message. */
const longestValue = 200;
const keptOfValue = 80;
const longestMessage = 2000;

/** A message with long values shortened to their beginning, which identifies them. */
export function shortMessage(text: string): string {
  const values = text.replace(/"(?:[^"\\]|\\.)*"|\S+/gsu, (value) => {
    if (value.length <= longestValue) return value;
    return `${cut(value, keptOfValue)}…${value.startsWith('"') ? '"' : ''}`;
  });
  return values.length > longestMessage ? `${cut(values, longestMessage)}…` : values;
}

/** Without half a character at the end. */
function cut(text: string, length: number): string {
  const end = /[\ud800-\udbff]/.test(text.charAt(length - 1)) ? length - 1 : length;
  return text.slice(0, end);
}
