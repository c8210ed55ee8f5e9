/** The encoders that come with the studio, each a folder of public/models/. */
interface BuiltInModel {
  readonly name: string;
  readonly title: string;
  /** A peak learning rate to start from. */
  readonly learningRate: number;
}

/** In the order in which they are offered. */
export const builtInModels: readonly BuiltInModel[] = [
  { name: 'nano', title: 'nano (comes with the studio: a small transformer, 5 MB)', learningRate: 1e-4 },
  { name: 'pico', title: 'pico (comes with the studio: a static encoder, 4 MB)', learningRate: 0.01 },
];

export function isBuiltIn(model: string): boolean {
  return builtInModels.some(({ name }) => name === model);
}
