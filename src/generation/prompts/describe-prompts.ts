import { prompts } from './index.ts';

/** Every prompt that comes with the studio, as text for help. */
export function describePrompts(): string {
  const width = Math.max(...prompts.map(({ id }) => id.length));
  return ['Prompts:', ...prompts.map(({ id, description }) => `  ${id.padEnd(width)}  ${description}`)].join(
    '\n',
  );
}
