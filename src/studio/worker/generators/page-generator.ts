/** How the page opens a kind of generator of its own: one file defines it, and index.ts lists it. */
import type { GeneratorMeans, HostGenerator } from '../../../pipeline/generator.ts';
import type { RecipeGenerator } from '../../../pipeline/generators/index.ts';
import type { ModelDownload } from '../../protocol.ts';

export interface PageMeans extends GeneratorMeans {
  /** The file that the generator's settings name, as it was dropped. */
  readonly file?: File | undefined;
}

export interface PageGenerator<Chosen = RecipeGenerator> extends HostGenerator<Chosen, PageMeans> {
  /** What has to be fetched before it can write. */
  download?(generator: Chosen): Promise<ModelDownload>;
}

export function definePageGenerator<const Kind extends RecipeGenerator['kind']>(
  generator: PageGenerator<Extract<RecipeGenerator, { kind: Kind }>> & { readonly kind: Kind },
): PageGenerator {
  return generator;
}
