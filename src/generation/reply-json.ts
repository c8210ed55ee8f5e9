/** Braces that are tried as the beginning, each with a walk through the text. */
const MOST_BRACES = 200;

/**
 * The JSON in a model's reply: an object or a list alone or in a fence of backticks, or an object with words around
 * it. What a reasoning model thinks first, up to `</think>`, does not count.
 *
 * @returns undefined where there is none that is whole
 */
export function findJson(reply: string): { readonly value: unknown } | undefined {
  const text = withoutThoughts(reply).trim();
  const whole = tryJson(text);
  if (whole !== undefined) return whole;
  for (const [, fenced] of text.matchAll(/```[a-z0-9]*\s*\n?([\s\S]*?)```/gi)) {
    const value = tryJson(fenced?.trim() ?? '');
    if (value !== undefined) return value;
  }
  // Braces in the words around it do not count: the first stretch that is JSON is taken.
  let start = text.indexOf('{');
  for (let tries = 0; start !== -1 && tries < MOST_BRACES; tries++) {
    const end = closingBracket(text, start);
    const value = end === -1 ? undefined : tryJson(text.slice(start, end + 1));
    if (value !== undefined) return value;
    start = text.indexOf('{', start + 1);
  }
  return undefined;
}

/** The reply after the thoughts before it. Thoughts that do not end leave nothing. */
export function withoutThoughts(reply: string): string {
  const end = reply.indexOf('</think>');
  if (end !== -1) return reply.slice(end + '</think>'.length);
  return /^\s*<think>/.test(reply) ? '' : reply;
}

/** An object or a list: a bare number or word in a reply is prose. */
function tryJson(text: string): { readonly value: unknown } | undefined {
  if (!text.startsWith('{') && !text.startsWith('[')) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Where the bracket that opens at `start` is closed; -1 if it is not. */
function closingBracket(text: string, start: number): number {
  let level = 0;
  let inString = false;
  for (let i = start; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') level++;
    else if ((character === '}' || character === ']') && --level === 0) return i;
  }
  return -1;
}
