/** How the page opens a kind of generator of its own: one file defines it, and index.ts lists it. */
import type { GeneratorMeans, HostGenerator } from '../../../pipeline/generator.ts';
import type { RecipeGenerator } from '../../../pipeline/generators/index.ts';

export interface PageMeans extends GeneratorMeans {
  /** The file that the generator's settings name, as it was dropped. */
  readonly file?: File | undefined;
}

/** What has to be fetched before it can write. */
export interface ModelDownload {
  readonly model: string;
  /** `about 400.0 MB`. */
  readonly text: string;
}

export interface PageGenerator<Chosen = RecipeGenerator> extends HostGenerator<Chosen, PageMeans> {
  /** Hosts are asked for sizes; who does not answer has an unknown one. */
  download?(generator: Chosen): Promise<ModelDownload>;
}

export function definePageGenerator<const Kind extends RecipeGenerator['kind']>(
  generator: PageGenerator<Extract<RecipeGenerator, { kind: Kind }>> & { readonly kind: Kind },
): PageGenerator {
  return generator;
}
