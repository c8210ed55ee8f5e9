/** The encoders that come with the studio, each a folder of public/models/. */

/** In the order in which they are offered. */
export const builtInModels = [
  { name: 'nano', title: 'nano (comes with the studio: a small transformer, 4 MB)' },
  { name: 'pico', title: 'pico (comes with the studio: a static encoder, 4 MB)' },
] as const;

export function isBuiltIn(model: string): boolean {
  return builtInModels.some(({ name }) => name === model);
}
