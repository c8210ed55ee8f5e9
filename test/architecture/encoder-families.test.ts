import { expect, it } from 'vitest';
import { encoderFamilies } from '../../src/encoders/families/index.ts';
import { readSources, scriptOf } from './sources.ts';

it.each(encoderFamilies)('names $title in its own file alone, so that no code asks for it', (family) => {
  const files = [...readSources()].filter(([file, text]) =>
    [family.name, family.className].some((name) => scriptOf(file, text).includes(`'${name}'`)),
  );
  expect(files.map(([file]) => file)).toEqual([`src/encoders/families/${family.name}.ts`]);
});
