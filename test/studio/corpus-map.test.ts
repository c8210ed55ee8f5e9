import { expect, it } from 'vitest';
import { placeNames } from '../../src/studio/charts/corpus-map.ts';

it('puts no name of a map over another, nor over its edge', () => {
  const frame = { width: 300, height: 200 };
  const wanted = ['Sky', 'Weather', 'Volcanoes', 'Bees', 'Sleep', 'Garden', 'Music', 'Bicycles'].map(
    (name, i) => ({
      ...{ name, width: 8 * name.length },
      ...{ x: i % 2 === 0 ? 150 + i : 299, y: i < 4 ? 100 + 3 * i : 199 },
    }),
  );
  const placed = placeNames(wanted, frame);
  expect(placed.map(({ name }) => name)).toEqual(wanted.map(({ name }) => name));
  for (const [i, a] of placed.entries()) {
    expect(a.x - a.width / 2).toBeGreaterThanOrEqual(0);
    expect(a.x + a.width / 2).toBeLessThanOrEqual(frame.width);
    expect(a.y).toBeLessThan(frame.height - 6);
    for (const b of placed.slice(i + 1)) {
      const isApart = Math.abs(a.y - b.y) >= 12 || Math.abs(a.x - b.x) >= (a.width + b.width) / 2;
      expect([a.name, b.name, isApart]).toEqual([a.name, b.name, true]);
    }
  }
});
