import type { DroppedItem } from '../../dropped-files.ts';
import type { NamedGenerator } from '../../../pipeline/generator.ts';
import type { RecipeGenerator } from '../../../pipeline/generators/index.ts';
import type { GeneratorAccess, KeptItem } from '../../protocol.ts';

/** What the form of a kind of generator is given. */
export interface GeneratorFormProps {
  readonly chosen: RecipeGenerator & NamedGenerator;
  /** Takes other values for some of its settings. */
  readonly change: (settings: Readonly<Record<string, string | number | undefined>>) => void;
  /** What was given for it beside its settings. */
  readonly access: GeneratorAccess[string];
  readonly give: (given: GeneratorAccess[string]) => void;
  readonly kept: readonly KeptItem[];
  /** Copies a dropped log into the browser. */
  readonly keep: (item: DroppedItem) => Promise<KeptItem>;
}
